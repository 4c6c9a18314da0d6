"""The queue in a store: order, limits, restarts, several gateways, and runs whose runners are dead."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from gateways import NOW, Client, gateway, now, put, put_event, record, until

from unmoor.runtime.state import keys
from unmoor.runtime.state.run_record import Lease, RunRecord, to_json
from unmoor.runtime.store import Store, open_store


def store_in(folder: Path) -> Store:
    return open_store((folder / "store").as_uri())


async def queued(store: Store, run: RunRecord, **more: Any) -> RunRecord:
    await store.put(keys.queue_entry_key(run.id), to_json(run))
    return await put(store, run, **more)


async def marks(store: Store) -> list[str]:
    return [entry.key async for entry in store.list("queue/")]


def test_runs_are_started_in_the_order_in_which_they_were_accepted(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path, max_concurrent=1) as client:
            runs = [await client.start(str(n)) for n in range(4)]
            for count, run in enumerate(runs, 1):
                await client.until_started(count)
                await client.launcher.end(run)
            assert client.launcher.started == runs
            await until(lambda: _empty(client.store))

    asyncio.run(act())


async def _empty(store: Store) -> bool:
    return await marks(store) == []


def test_no_more_run_at_one_time_than_the_spec_says(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path, max_concurrent=2) as client:
            runs = [await client.start() for _ in range(3)]
            await client.until_started(2)
            await client.look()
            assert sorted(client.launcher.started) == sorted(runs[:2])
            assert await client.status(runs[2]) == "queued"
            await client.launcher.end(runs[0])
            await client.until_started(3)

    asyncio.run(act())


def test_a_run_is_skipped_where_the_spec_says_so_and_all_are_taken(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path, max_concurrent=2, when_busy="skip") as client:
            answers = await asyncio.gather(*(client.ask("POST", "/runs", json={"prompt": "x"}) for _ in range(5)))
            assert sorted(a.status for a in answers) == [202, 202, 429, 429, 429]
            refused = next(a for a in answers if a.status == 429)
            assert refused.error == (
                429,
                "skipped: 2 runs are active, which is run.max_concurrent, and run.when_busy is skip",
            )
            assert refused.headers["retry-after"] == "30"
            await client.until_started(2)
            await client.launcher.end(client.launcher.started[0])
            await until(lambda: _count(client, 1))
            await client.start()

    asyncio.run(act())


async def _count(client: Client, count: int) -> bool:
    return len(await marks(client.store)) == count


def test_runs_of_one_session_never_overlap_and_keep_their_order(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path, max_concurrent=4) as client:
            first, second = [await client.start(session="k") for _ in range(2)]
            other = await client.start(session="l")
            await client.until_started(2)
            await client.look()
            assert client.launcher.started == [first, other]
            await client.launcher.end(first)
            await client.until_started(3)
            assert client.launcher.started[2] == second

    asyncio.run(act())


def test_two_gateways_on_one_store_run_each_run_once(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path, max_concurrent=2) as one, gateway(tmp_path, max_concurrent=2) as two:
            runs = [await (one if n % 2 else two).start() for n in range(8)]
            ended: set[str] = set()
            while len(ended) < len(runs):
                alive = [(c, run) for c in (one, two) for run in list(c.launcher.claims)]
                assert len(alive) <= 2
                for client, run in alive:
                    assert run not in ended
                    await client.launcher.end(run)
                    ended.add(run)
                await asyncio.sleep(0.01)
            assert ended == set(runs)
            await until(lambda: _empty(one.store))

    asyncio.run(act())


def test_what_was_accepted_is_started_by_the_next_gateway(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path, max_concurrent=1) as client:
            runs = [await client.start() for _ in range(3)]
            await client.until_started(1)
            await client.launcher.end(runs[0])
            await client.until_started(2)
            await client.launcher.end(runs[1])
        async with gateway(tmp_path, max_concurrent=1) as client:
            await client.until_started(1)
            assert client.launcher.started == runs[2:]

    asyncio.run(act())


def test_a_gateway_killed_between_the_mark_and_the_record_has_lost_nothing(tmp_path: Path) -> None:
    async def act() -> None:
        run, store = record(), store_in(tmp_path)
        await store.put(keys.queue_entry_key(run.id), to_json(run))
        async with gateway(tmp_path) as client:
            await client.until_started(1)
            assert (await client.record(run.id)).prompt == run.prompt

    asyncio.run(act())


def expired(number: int = 1, **fields: Any) -> RunRecord:
    lease = Lease(owner="gone", expires_at=now() - timedelta(seconds=1))
    return record(number, status="running", attempt=1, started_at=NOW, lease=lease, **fields)


def test_a_run_whose_runner_died_before_its_harness_began_is_run_again(tmp_path: Path) -> None:
    async def act() -> None:
        run = await queued(store_in(tmp_path), expired())
        async with gateway(tmp_path, retries=1) as client:
            await client.until_started(1)
            assert (await client.record(run.id)).attempt == 2

    asyncio.run(act())


def test_a_run_without_an_attempt_left_is_lost(tmp_path: Path) -> None:
    async def act() -> None:
        run = await queued(store_in(tmp_path), expired())
        async with gateway(tmp_path, retries=0) as client:
            await until(lambda: _has(client, run.id, "lost"))

    asyncio.run(act())


async def _has(client: Client, run: str, status: str) -> bool:
    return await client.status(run) == status


def test_a_run_whose_harness_had_begun_is_lost_and_says_so_as_its_last_event(tmp_path: Path) -> None:
    async def act() -> None:
        run = await queued(store_in(tmp_path), expired(), events=3)
        async with gateway(tmp_path, retries=5) as client:
            await until(lambda: _has(client, run.id, "lost"))
            await until(lambda: _empty(client.store))
            assert (await client.record(run.id)).reason == "runner lost: no heartbeat for 60 s"
            last = (await client.get(f"/runs/{run.id}/events?after=3&wait=5")).json
            assert [(e["n"], e["type"], e["status"]) for e in last["events"]] == [(4, "run.finished", "lost")]
            assert client.launcher.started == []

    asyncio.run(act())


def test_a_run_that_had_said_its_end_is_left_to_a_runner_that_writes_it_down(tmp_path: Path) -> None:
    async def act() -> None:
        run = await queued(store_in(tmp_path), expired(), events=2, finished=True)
        async with gateway(tmp_path, retries=0) as client:
            await client.until_started(1)
            assert client.launcher.started == [run.id]

    asyncio.run(act())


def test_a_lost_run_that_is_in_no_queue_is_settled_by_whoever_looks_at_it(tmp_path: Path) -> None:
    async def act() -> None:
        store = store_in(tmp_path)
        run = await put(store, expired())
        await put_event(store, run.id, 1)
        async with gateway(tmp_path) as client:
            assert (await client.get(f"/runs/{run.id}")).json["status"] == "lost"

    asyncio.run(act())


def test_a_run_that_somebody_else_keeps_alive_is_left_alone(tmp_path: Path) -> None:
    async def act() -> None:
        lease = Lease(owner="another", expires_at=now() + timedelta(seconds=60))
        run = await queued(store_in(tmp_path), record(status="running", lease=lease))
        async with gateway(tmp_path, max_concurrent=1) as client:
            await client.start()
            await client.look()
            assert client.launcher.started == []
            assert await client.status(run.id) == "running"

    asyncio.run(act())


def test_a_runner_that_never_starts_fails_its_run_after_three_tries(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path) as client:
            client.launcher.broken = True
            run = await client.start()
            await until(lambda: _has(client, run, "failed"))
            assert (await client.record(run)).reason == "runner did not start: no such harness"
            assert client.launcher.started == [run] * 3

    asyncio.run(act())


def test_a_record_that_cannot_be_read_is_in_nobodys_way(tmp_path: Path) -> None:
    async def act() -> None:
        store, broken = store_in(tmp_path), record(1)
        await store.put(keys.queue_entry_key(broken.id), b"{}")
        await store.put(keys.run_record_key(broken.id), b"[]")
        await store.put("queue/what-is-this", b"x")
        async with gateway(tmp_path) as client:
            run = await client.start()
            await client.until_started(1)
            assert client.launcher.started == [run]

    asyncio.run(act())


def test_a_run_that_waits_is_cancelled_at_once_and_never_started(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path, max_concurrent=1) as client:
            first, second = [await client.start() for _ in range(2)]
            await client.until_started(1)
            answer = await client.ask("POST", f"/runs/{second}/cancel")
            assert (answer.status, answer.json) == (200, {"id": second, "status": "cancelled"})
            await client.launcher.end(first)
            await until(lambda: _empty(client.store))
            assert client.launcher.started == [first]
            events = (await client.get(f"/runs/{second}/events?after=0")).json
            assert [e["type"] for e in events["events"]] == ["run.finished"]

    asyncio.run(act())


def test_a_run_that_runs_is_marked_for_its_runner_to_see_and_again_harmlessly(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path) as client:
            run = await client.start()
            await client.until_started(1)
            for _ in range(2):
                answer = await client.ask("POST", f"/runs/{run}/cancel", json={})
                assert (answer.status, answer.json["status"]) == (202, "running")
            assert await client.store.get(keys.cancel_key(run)) is not None
            await client.launcher.end(run, "cancelled")
            answer = await client.ask("POST", f"/runs/{run}/cancel")
            assert (answer.status, answer.json["status"]) == (200, "cancelled")

    asyncio.run(act())


@pytest.mark.parametrize("events", [0, 2])
def test_a_gateway_killed_before_it_said_a_runs_end_says_it_when_it_is_back(tmp_path: Path, events: int) -> None:
    async def whole() -> list[Any]:
        store = open_store((tmp_path / "store").as_uri())
        run = record(status="cancelled", reason="cancelled", ended_at=NOW)
        await put(store, run, events=events)
        await store.put(keys.queue_entry_key(run.id), to_json(run))
        async with gateway(tmp_path) as client:
            await until(lambda: any(message == "run ended" for message, _ in client.logged))
            return (await client.get(f"/runs/{run.id}/events?after=0")).json["events"]

    said = asyncio.run(whole())
    assert [event["n"] for event in said] == list(range(1, events + 2))
    assert (said[-1]["type"], said[-1]["status"], said[-1]["at"]) == ("run.finished", "cancelled", NOW.isoformat())


def test_a_clock_that_is_set_forward_loses_no_run_whose_runner_is_here(tmp_path: Path) -> None:
    ahead = timedelta()

    async def whole() -> list[str]:
        nonlocal ahead
        async with gateway(tmp_path, clock=lambda: now() + ahead) as client:
            run = await client.start()
            await client.until_started(1)
            ahead = timedelta(hours=1)
            seen = [(await client.get(f"/runs/{run}")).json["status"] for _ in range(2)]
            await client.launcher.end(run)
            await until(lambda: _is(client, run, "succeeded"))
            return [*seen, await client.status(run)]

    assert asyncio.run(whole()) == ["running", "running", "succeeded"]


async def _is(client: Client, run: str, status: str) -> bool:
    return await client.status(run) == status
