"""A start that does not work: how often it is tried, and when it is given up."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from gateways import ByHand, Client, gateway, put, record, until

from unmoor.runtime.errors import ConfigurationError, TransientError
from unmoor.runtime.gateway.launchers.protocol import RunnerExit
from unmoor.runtime.gateway.queue.start_attempts import StartBackoff
from unmoor.runtime.state import keys
from unmoor.runtime.state.run_record import to_json
from unmoor.runtime.store import Store, open_store


def test_what_cannot_be_just_now_is_tried_without_end_and_less_and_less_often() -> None:
    tries, waits, now = StartBackoff(), [], 0.0
    for _ in range(100):
        tries.record_unavailable("no room", now=now)
        waits.append(tries.not_before - now)
        now = tries.not_before
    assert waits[:7] == [2, 4, 8, 16, 32, 60, 60]
    assert not tries.is_exhausted


def test_what_is_refused_is_tried_for_about_ten_minutes() -> None:
    tries, now = StartBackoff(), 0.0
    while not tries.is_exhausted:
        tries.record_rejection("may not", now=now)
        now = tries.not_before
    assert 540 < now < 700
    assert tries.reason == "may not"


class Unwilling:
    """A launcher's start that raises until it is told not to, on a clock of the test's."""

    def __init__(self, client: Client, fault: Exception) -> None:
        self.fault: Exception | None = fault
        self.tried = 0
        self.begin = client.launcher.start
        client.launcher.start = self.start  # type: ignore[method-assign]

    async def start(self, run: str) -> None:
        self.tried += 1
        if self.fault is not None:
            raise self.fault
        await self.begin(run)


def test_a_run_waits_while_there_is_no_room_and_is_started_when_there_is(tmp_path: Path) -> None:
    async def act() -> None:
        clock = [0.0]
        async with gateway(tmp_path, ticks=lambda: clock[0]) as client:
            unwilling = Unwilling(client, TransientError("the platform has no room"))
            run = await client.start()
            for tried in range(1, 8):
                await until(lambda tried=tried: unwilling.tried == tried)
                clock[0] += 61
            assert await client.status(run) == "queued"
            unwilling.fault = None
            await until(lambda: _is(client, run, "running"))

    asyncio.run(act())


async def _is(client: Client, run: str, status: str) -> bool:
    return await client.status(run) == status


def test_a_run_that_may_not_be_started_fails_with_the_reason(tmp_path: Path) -> None:
    async def act() -> None:
        clock = [0.0]

        def ticks() -> float:
            clock[0] += 61
            return clock[0]

        async with gateway(tmp_path, ticks=ticks) as client:
            Unwilling(client, ConfigurationError("the platform answered POST /start with 403: may not"))
            run = await client.start()
            await until(lambda: _is(client, run, "failed"))
            says = "runner did not start: the platform answered POST /start with 403: may not"
            assert (await client.record(run)).reason == says

    asyncio.run(act())


def test_a_runner_that_never_began_for_want_of_room_counts_for_nothing(tmp_path: Path) -> None:
    async def act() -> None:
        clock = [0.0]
        async with gateway(tmp_path, ticks=lambda: clock[0]) as client:
            said: dict[str, Any] = {"code": 1, "detail": "Capacity is unavailable at this time", "no_capacity": True}
            begin, started = client.launcher.start, []

            async def start(run: str) -> None:
                started.append(run)
                if len(started) < 6:
                    client.launcher.on_exit(RunnerExit(run=run, **said))
                else:
                    await begin(run)

            client.launcher.start = start  # type: ignore[method-assign]
            run = await client.start()
            for count in range(1, 6):
                await until(lambda count=count: len(started) == count)
                clock[0] += 61
            await until(lambda: _is(client, run, "running"))

    asyncio.run(act())


def test_a_runner_that_gives_no_sign_of_life_for_long_is_stopped(tmp_path: Path) -> None:
    async def act() -> None:
        clock, stopped = [0.0], []
        async with gateway(tmp_path, ticks=lambda: clock[0]) as client:
            run = await client.start()
            await client.until_started(1)
            await until(lambda: run in client.launcher.claims)
            held = client.launcher.claims[run]
            stop = client.launcher.stop

            async def noted(run: str) -> None:
                stopped.append(run)
                await stop(run)

            client.launcher.stop = noted  # type: ignore[method-assign]
            await _let_expire(client, held)
            clock[0] += 59
            await client.look()
            assert stopped == []
            clock[0] += 62
            await until(lambda: stopped == [run])
            await until(lambda: client.store is not None and run not in client.launcher.claims)

    asyncio.run(act())


async def _let_expire(client: Client, held: Any) -> None:
    import dataclasses
    from datetime import timedelta

    from gateways import now

    record = held.record
    lease = dataclasses.replace(record.lease, expires_at=now() - timedelta(seconds=1))
    await client.store.put(keys.run_record_key(record.id), to_json(dataclasses.replace(record, lease=lease)))


def test_a_runner_that_ends_well_without_having_taken_its_run_is_not_started_for_ever(tmp_path: Path) -> None:
    async def act() -> None:
        clock, started = [0.0], []
        async with gateway(tmp_path, ticks=lambda: clock[0]) as client:

            async def start(run: str) -> None:
                started.append(run)
                client.launcher.on_exit(RunnerExit(run=run, code=0, detail=""))

            client.launcher.start = start  # type: ignore[method-assign]
            run = await client.start()
            await until(lambda: len(started) == 1)
            for count in range(2, 15):
                clock[0] += 61
                await until(lambda count=count: len(started) == count)
            clock[0] += 61
            await until(lambda: _is(client, run, "failed"))
            says = "runner did not start: it exited without taking its run"
            assert (await client.record(run)).reason == says

    asyncio.run(act())


class Slow(ByHand):
    """A launcher whose starts take until two have begun."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.begun: list[str] = []
        self.both = asyncio.Event()

    async def start(self, run: str) -> None:
        self.begun.append(run)
        if len(self.begun) == 2:
            self.both.set()
        await self.both.wait()
        await super().start(run)


def test_a_platform_that_takes_its_time_takes_it_once_for_all_that_may_start(tmp_path: Path) -> None:
    async def act() -> None:
        store = open_store(tmp_path.as_uri())
        await put_two(store)
        async with gateway(tmp_path, store=store, launched=Slow, max_concurrent=2, busy_s=3600) as client:
            await client.until_started(2)

    asyncio.run(act())


async def put_two(store: Store) -> None:
    """Two runs that another gateway has accepted."""
    for number in (1, 2):
        run = await put(store, record(number))
        await store.put(keys.queue_entry_key(run.id), to_json(run))
