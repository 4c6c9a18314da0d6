"""A run's events to clients: as a stream with replay, and by one answer at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from counting_store import CountingStore
from gateways import NOW, TOKEN, Client, gateway, now, put, put_event, record, until

from unmoor.runtime.errors import TransientError
from unmoor.runtime.gateway.http.stream_limit import StreamLimit
from unmoor.runtime.state import keys
from unmoor.runtime.state.event_stream import PollInterval
from unmoor.runtime.state.follow import FOLLOWED_FOR, followed_reader
from unmoor.runtime.state.run_record import Lease, RunRecord, to_json

RUN = record(1)
STREAM = {"accept": "text/event-stream", "authorization": f"Bearer {TOKEN}"}


async def parts(client: Client, path: str, **headers: str) -> AsyncIterator[dict[str, str]]:
    """The stream's parts as their fields; a comment's is named `comment`."""
    async with client.session.get(client.url + path, headers={**STREAM, **headers}) as answer:
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        text = ""
        async for piece in answer.content.iter_any():
            text += piece.decode()
            while "\n\n" in text:
                part, _, text = text.partition("\n\n")
                yield {(k or "comment"): v for k, v in (line.split(": ", 1) for line in part.split("\n"))}


async def stream(client: Client, path: str, **headers: str) -> list[dict[str, str]]:
    return [part async for part in parts(client, path, **headers)]


async def finish(client: Client, run: Any = RUN) -> None:
    await client.store.put(keys.run_record_key(run.id), to_json(replace(run, status="succeeded")))


def test_a_stream_gives_every_event_under_its_number_and_ends_with_the_status(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path) as client:
            await put(client.store, replace(RUN, status="succeeded"), events=3, finished=True)
            first, *events, end = await stream(client, f"/runs/{RUN.id}/events")
            assert first == {"retry": "2000"}
            assert [e["id"] for e in events] == ["1", "2", "3", "4"]
            assert [e["event"] for e in events] == ["run.started", "message", "message", "run.finished"]
            assert json.loads(events[1]["data"])["text"] == "line 2\nand more"
            assert end == {"event": "end", "data": '{"status":"succeeded"}'}

    asyncio.run(act())


def test_a_stream_goes_on_after_the_event_that_a_client_had_last(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path) as client:
            await put(client.store, replace(RUN, status="succeeded"), events=5)
            again = await stream(client, f"/runs/{RUN.id}/events", **{"Last-Event-ID": "3"})
            assert [e["id"] for e in again if "id" in e] == ["4", "5"]
            asked = await stream(client, f"/runs/{RUN.id}/events?after=4")
            assert [e["id"] for e in asked if "id" in e] == ["5"]

    asyncio.run(act())


def test_a_browser_that_has_everything_of_an_ended_run_is_told_not_to_ask_again(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path) as client:
            await put(client.store, replace(RUN, status="failed"), events=2)
            answer = await client.get(f"/runs/{RUN.id}/events", headers={**STREAM, "last-event-id": "2"})
            assert (answer.status, answer.body) == (204, b"")

    asyncio.run(act())


def test_a_stream_brings_events_as_they_come_and_heartbeats_between(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path, heartbeat_s=0.05) as client:
            await put(client.store, RUN, events=1)
            seen: list[dict[str, str]] = []
            async for part in parts(client, f"/runs/{RUN.id}/events"):
                seen.append(part)
                if part.get("id") == "1":
                    await put_event(client.store, RUN.id, 2)
                if "comment" in part and len(seen) < 20:
                    await finish(client)
            assert [p["id"] for p in seen if "id" in p] == ["1", "2"]
            assert {"comment": "still here"} in [{k.replace(":", "comment"): v for k, v in p.items()} for p in seen]
            assert seen[-1]["event"] == "end"

    asyncio.run(act())


def test_a_segment_is_cut_where_the_client_was(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path) as client:
            await put(client.store, replace(RUN, status="succeeded"))
            lines = [json.dumps({"n": n, "at": "", "type": "message", "text": "é"}) for n in range(1, 9)]
            await client.store.put(keys.event_segment_key(RUN.id, 1), "\n".join(lines[:5]).encode() + b"\n")
            await client.store.put(keys.event_segment_key(RUN.id, 6), "\n".join(lines[5:]).encode() + b"\n")
            for after in (0, 4, 5, 6, 8):
                answer = (await client.get(f"/runs/{RUN.id}/events?after={after}")).json
                assert [e["n"] for e in answer["events"]] == list(range(after + 1, 9))
                assert answer["next"] == 8

    asyncio.run(act())


def test_a_long_poll_answers_as_soon_as_something_comes(tmp_path: Path) -> None:
    async def act() -> None:
        pace = PollInterval(poll_s=0.02)
        async with gateway(tmp_path, pace=pace) as client:
            await put(client.store, RUN, events=1)
            asking = asyncio.create_task(client.get(f"/runs/{RUN.id}/events?after=1&wait=20"))
            await until(lambda: pace._readers == 1)
            assert not asking.done()
            await put_event(client.store, RUN.id, 2)
            answer = (await asyncio.wait_for(asking, 2)).json
            assert ([e["n"] for e in answer["events"]], answer["next"], answer["done"]) == ([2], 2, False)
            asking = asyncio.create_task(client.get(f"/runs/{RUN.id}/events?after=2&wait=20"))
            await finish(client)
            assert (await asyncio.wait_for(asking, 2)).json == {"events": [], "next": 2, "done": True}

    asyncio.run(act())


def test_who_follows_a_run_in_a_bucket_is_announced_to_its_runner_and_who_reads_it_is_not(tmp_path: Path) -> None:
    async def act() -> None:
        store = CountingStore()
        async with gateway(tmp_path, store=store) as client:
            lease = Lease(owner="elsewhere", expires_at=now() + timedelta(hours=1))
            run = await put(store, replace(RUN, status="running", lease=lease), events=1)
            path = f"/runs/{run.id}"
            shown = (await client.get(path)).json
            assert not {"lease", "followed_until", "cancel_requested"} & set(shown)
            assert (await client.record(run.id)).followed_until is None
            await client.get(f"{path}/events?after=0&wait=0")
            announced = (await client.record(run.id)).followed_until
            assert announced is not None
            assert announced - now() <= FOLLOWED_FOR
            writes = store.counts["write"]
            await client.get(f"{path}/events?after=0&wait=0")
            assert store.counts["write"] == writes  # half of the time is not over

    asyncio.run(act())


def test_a_run_whose_lease_is_over_or_that_has_ended_is_not_written_for_a_follower() -> None:
    async def act() -> None:
        for status, lease in (("running", Lease(owner="gone", expires_at=NOW)), ("succeeded", None)):
            store = CountingStore()
            run = await put(store, replace(RUN, status=status, lease=lease))
            writes = store.counts["write"]
            await followed_reader(store, as_read(run), clock=now)()
            assert store.counts["write"] == writes

    asyncio.run(act())


def test_a_follower_reads_on_where_the_store_takes_no_write() -> None:
    async def act() -> None:
        class ReadOnly(CountingStore):
            async def compare_and_swap(self, key: str, content: bytes, version: str) -> str | None:
                raise TransientError("403")

        store = ReadOnly()
        run = await put(store, RUN)
        assert await followed_reader(store, as_read(run), clock=now)() == run

    asyncio.run(act())


def as_read(run: RunRecord) -> Callable[[], Awaitable[RunRecord]]:
    async def read() -> RunRecord:
        return run

    return read


def test_a_poll_without_a_wait_answers_at_once(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path) as client:
            await put(client.store, RUN)
            began = time.monotonic()
            assert (await client.get(f"/runs/{RUN.id}/events?after=0")).json == {"events": [], "next": 0, "done": False}
            assert time.monotonic() - began < 1

    asyncio.run(act())


def test_a_poll_says_that_it_is_done_with_the_last_event(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path) as client:
            await put(client.store, replace(RUN, status="succeeded"), events=2, finished=True)
            answer = (await client.get(f"/runs/{RUN.id}/events?after=1")).json
            assert ([e["n"] for e in answer["events"]], answer["done"]) == ([2, 3], True)

    asyncio.run(act())


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("after=-1", "after: '-1' is not an integer from 0 to 9007199254740991"),
        ("after=x&wait=1", "after: 'x' is not an integer from 0 to 9007199254740991"),
        ("after=1&wait=61", "wait: '61' is not an integer from 0 to 60"),
        ("from=1", "from: unknown parameter; this path takes after and wait"),
    ],
)
def test_numbers_that_are_none_are_refused(tmp_path: Path, query: str, says: str) -> None:
    async def act() -> None:
        async with gateway(tmp_path) as client:
            await put(client.store, RUN)
            assert (await client.get(f"/runs/{RUN.id}/events?{query}")).error == (400, says)

    asyncio.run(act())


def test_a_last_event_id_that_is_no_number_is_refused(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path) as client:
            await put(client.store, RUN)
            answer = await client.get(f"/runs/{RUN.id}/events", headers={"last-event-id": "1; DROP"})
            assert answer.error == (400, "last-event-id: '1; DROP' is not an integer from 0 to 9007199254740991")

    asyncio.run(act())


def test_a_gateway_that_stops_ends_its_streams_and_polls_whole(tmp_path: Path) -> None:
    """A stream that is cut in a chunk, or a poll that is not answered, would be an error to the client."""
    pace, slots = PollInterval(poll_s=0.02), StreamLimit()

    async def act() -> None:
        async with gateway(tmp_path, pace=pace, parts={"slots": slots}) as client:
            await put(client.store, RUN, events=1)
            streaming = asyncio.create_task(stream(client, f"/runs/{RUN.id}/events"))
            polling = asyncio.create_task(client.get(f"/runs/{RUN.id}/events?after=1&wait=60"))
            await until(lambda: pace._readers == 2 and slots.active == 1)
            assert not streaming.done()
            assert not polling.done()
        retry, *events = await asyncio.wait_for(streaming, 1)
        assert retry == {"retry": "2000"}
        assert [event.get("id") for event in events] == ["1"]
        assert (await asyncio.wait_for(polling, 1)).json == {"events": [], "next": 1, "done": False}
        assert (pace._readers, slots.active) == (0, 0)

    asyncio.run(act())


def test_a_client_that_reads_nothing_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    slots = StreamLimit()

    async def act() -> None:
        async with gateway(tmp_path, parts={"slots": slots}) as client:
            await put(client.store, RUN)
            line = json.dumps({"n": 1, "at": "", "type": "message", "text": "x" * 30_000_000})
            await client.store.put(keys.event_segment_key(RUN.id, 1), line.encode())
            _, writer = await asyncio.open_connection("127.0.0.1", int(client.url.rsplit(":", 1)[1]), limit=1)
            path = f"/runs/{RUN.id}/events"
            writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n\r\n".encode())
            await until(lambda: slots.active == 1)
        await until(lambda: slots.active == 0)
        writer.close()

    asyncio.run(asyncio.wait_for(act(), 30))


def test_no_more_streams_are_open_than_there_are_slots_and_one_that_ends_makes_room(tmp_path: Path) -> None:
    slots = StreamLimit(most=2)

    async def act() -> None:
        async with gateway(tmp_path, parts={"slots": slots}) as client:
            await put(client.store, RUN, events=1)
            path = f"/runs/{RUN.id}/events"
            first = await client.session.get(client.url + path, headers=STREAM)
            second = await client.session.get(client.url + path, headers=STREAM)
            refused = await client.get(path, headers=STREAM)
            says = "all 2 streams are in use; poll with ?after=N&wait=20"
            assert refused.error == (503, says)
            assert refused.headers["retry-after"] == "5"
            assert (await client.get(f"{path}?after=0")).status == 200
            first.close()  # as a browser does that is left
            await until(lambda: slots.active == 1)
            third = await client.session.get(client.url + path, headers=STREAM)
            assert (second.status, third.status) == (200, 200)
            second.close()
            third.close()
            await until(lambda: slots.active == 0)

    asyncio.run(act())


def test_the_headers_of_a_stream_are_had_without_waiting_for_its_end(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path) as client:
            await put(client.store, RUN, events=1)
            answer = await asyncio.wait_for(client.ask("HEAD", f"/runs/{RUN.id}/events"), 5)
            assert (answer.status, answer.body) == (200, b"")
            assert answer.headers["content-type"].startswith("text/event-stream")

    asyncio.run(act())


def test_the_more_look_for_events_the_less_often_each_of_them_does() -> None:
    pace = PollInterval(poll_s=0.04)
    with contextlib.ExitStack() as held:
        assert pace.pause_s == 0.04
        for _ in range(200):
            held.enter_context(pace.reading())
        assert pace.pause_s == 1.0
    assert pace.pause_s == 0.04
