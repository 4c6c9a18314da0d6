"""A run's events on their way into the store."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from counting_store import CountingStore
from skipping_loop import run_skipping, skip

from unmoor.runtime.errors import TransientError
from unmoor.runtime.events import BudgetExceeded, Finished, Message, Notice, Tokens
from unmoor.runtime.run import event_log
from unmoor.runtime.run.event_log import QUIET_FLUSH_S, SEGMENT_BYTES, EventLog
from unmoor.runtime.state import keys
from unmoor.runtime.state.event_feed import Feed
from unmoor.runtime.store import Store, open_store

RUN = keys.run_id(datetime(2026, 3, 1, tzinfo=UTC), 7)


def journal(store: Store, first: int = 0) -> EventLog:
    return EventLog(
        store,
        RUN,
        redact=lambda text: text,
        clock=lambda: datetime(2026, 3, 1, tzinfo=UTC),
        watch=lambda event: None,
        first=first,
    )


async def segments(store: Store) -> list[str]:
    return [entry.key.rsplit("/", 1)[1] async for entry in store.list(keys.events_prefix(RUN))]


async def numbers(feed: Feed) -> list[int]:
    return [event["n"] for event in await feed.read_new()]


def test_the_newest_segment_grows_until_it_is_full(tmp_path: Path) -> None:
    async def act() -> None:
        store = open_store(tmp_path.as_uri())
        said = journal(store)
        for text in ("one", "two"):
            said.add(Message(text=text))
            await said.flush()
        assert await segments(store) == ["00000001.ndjson"]
        for _ in range(5):
            said.add(Message(text="x" * (SEGMENT_BYTES // 5)))
            await said.flush()
        said.add(Message(text="in the next"))
        await said.flush()
        assert await segments(store) == ["00000001.ndjson", "00000008.ndjson"]
        assert await numbers(Feed(store=store, run=RUN, after=0)) == [*range(1, 9)]

    asyncio.run(act())


def test_a_reader_follows_a_segment_that_grows_and_reads_nothing_that_has_not(tmp_path: Path) -> None:
    async def act() -> None:
        store = open_store(tmp_path.as_uri())
        read: list[str] = []

        class Counted:
            def __getattr__(self, name: str) -> Any:
                return getattr(store, name)

            async def get(self, key: str) -> Any:
                read.append(key.rsplit("/", 1)[1])
                return await store.get(key)

        said = journal(store)
        feed = Feed(store=Counted(), run=RUN, after=0)  # type: ignore[arg-type]
        assert await numbers(feed) == []
        for number in (1, 2, 3):
            said.add(Message(text="x" * (SEGMENT_BYTES // 5)))
            await said.flush()
            assert await numbers(feed) == [number]
        assert (await numbers(feed), await numbers(feed)) == ([], [])
        assert read == ["00000001.ndjson"] * 3
        for _ in range(4):
            said.add(Message(text="x" * (SEGMENT_BYTES // 5)))
            await said.flush()
        assert await numbers(feed) == [4, 5, 6, 7]
        said.add(Message(text="more"))
        await said.flush()
        assert await numbers(feed) == [8]
        assert read[3:] == ["00000001.ndjson", "00000006.ndjson", "00000006.ndjson"]

    asyncio.run(act())


def test_what_the_store_did_not_take_is_in_the_segment_with_what_came_after_it(tmp_path: Path) -> None:
    async def act() -> None:
        store = open_store(tmp_path.as_uri())

        class Unplugged:
            is_local = True
            away = False

            async def put(self, key: str, content: bytes) -> str:
                if self.away:
                    raise TransientError("it was unplugged")
                return await store.put(key, content)

        between = Unplugged()
        said = journal(between)  # type: ignore[arg-type]
        said.add(Message(text="one"))
        await said.flush()
        between.away = True
        said.add(Message(text="two"))
        try:
            await said.flush()
        except TransientError:
            between.away = False
        said.add(Message(text="three"))
        await said.flush()
        assert await segments(store) == ["00000001.ndjson"]
        assert await numbers(Feed(store=store, run=RUN, after=0)) == [1, 2, 3]

    asyncio.run(act())


def test_a_second_attempt_writes_a_segment_of_its_own(tmp_path: Path) -> None:
    async def act() -> None:
        store = open_store(tmp_path.as_uri())
        for first, text in ((0, "one"), (1, "two")):
            async with journal(store, first) as said:
                said.add(Message(text=text))
        assert await segments(store) == ["00000001.ndjson", "00000002.ndjson"]

    asyncio.run(act())


def test_in_a_bucket_an_error_is_stored_at_once_and_other_events_wait_for_more() -> None:
    """A run of an hour, nobody following: what is not urgent is stored with what is."""

    async def act() -> None:
        store = CountingStore()
        async with journal(store) as log:
            await passed(3600)
            log.add(Message(text="first"))
            await passed(2)
            assert store.counts["write"] == 1  # the last write was long ago
            log.add(Message(text="later"))
            await passed(QUIET_FLUSH_S - 5)
            assert store.counts["write"] == 1
            log.add(Notice(level="warning", text="not yet"))
            log.add(Notice(level="error", text="now"))
            await passed(2)
            assert store.counts["write"] == 2
            log.add(BudgetExceeded(cap="run.max_cost_usd", limit_usd=Decimal(1), spent_usd=Decimal(1)))
            await passed(2)
            assert store.counts["write"] == 3
            for _ in range(5):
                log.add(Message(text="x" * (SEGMENT_BYTES // 5)))
            await passed(2)
            assert store.counts["write"] == 4
            log.add(Message(text="at the end"))
        assert store.counts["write"] == 5
        assert await numbers(Feed(store=store, run=RUN, after=0)) == [*range(1, 12)]

    run_skipping(act())


async def passed(seconds: float) -> None:
    for _ in range(round(seconds)):
        skip(1)
        await asyncio.sleep(0.001)


def test_events_have_a_greatest_size_and_the_end_is_always_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "MOST_BYTES", 2000)

    async def act() -> list[dict[str, Any]]:
        store = open_store(tmp_path.as_uri())
        async with journal(store) as said:
            for _ in range(100):
                said.add(Message(text="x" * 300), raw="{}")
                said.add({"type": "raw"}, raw="a")
                said.add(Notice(level="info", text="of the harness"), raw="b")
            said.add(Notice(level="warning", text="of the runner"))
            for _ in range(100):
                said.add(Notice(level="warning", text="y" * 300))
            said.add(BudgetExceeded(cap="run.max_cost_usd", limit_usd=Decimal(1), spent_usd=Decimal(2)))
            said.add(Finished(status="succeeded", reason="", tokens=Tokens(), cost_usd=None, artifacts=()))
        return await Feed(store=store, run=RUN, after=0).read_new()

    events = asyncio.run(act())
    assert [event["n"] for event in events] == [*range(1, len(events) + 1)]
    texts = [event.get("text", "") for event in events]
    assert "the run's events have 0 MiB: further output of the harness is not kept" in texts
    assert "of the runner" in texts
    assert [event["type"] for event in events[-3:]] == ["budget.exceeded", "notice", "run.finished"]
    assert events[-2]["text"].endswith(" further events were not kept")
    assert sum(len(json.dumps(event)) for event in events) < 6000
