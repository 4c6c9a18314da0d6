"""A run's events as they arrive, for event streams and long polls."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

from unmoor.runtime.events import Finished
from unmoor.runtime.store import Store
from unmoor.runtime.waiting import wait_event

from .event_feed import Feed
from .run_record import RunRecord

HEARTBEAT_S = 15.0
POLL_S, NEAR_POLL_S = 1.0, 0.04
# The record is read less often than the events: the last event shows that the run has ended.
RECORD_S, NEAR_RECORD_S = 5.0, 0.5
# Up to this many readers poll at the full rate.
FULL_RATE_READERS = 8

Look = Callable[[], Awaitable[RunRecord]]


@dataclass(slots=True, kw_only=True)
class PollInterval:
    """Seconds between polls of the store for events and for the record, and between heartbeats of a stream."""

    poll_s: float = POLL_S
    heartbeat_s: float = HEARTBEAT_S
    record_s: float = NEAR_RECORD_S
    _readers: int = 0

    @property
    def pause_s(self) -> float:
        """Seconds until the next poll: the more readers, the less often each of them polls."""
        return self.poll_s * max(1.0, self._readers / FULL_RATE_READERS)

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Counts one more reader while it is held."""
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1


def poll_interval(store: Store) -> PollInterval:
    """A local store is polled more often than one that charges per request."""
    return PollInterval(poll_s=NEAR_POLL_S) if store.is_local else PollInterval(record_s=RECORD_S)


async def batches(
    feed: Feed, look: Look, *, pace: PollInterval, closing: asyncio.Event
) -> AsyncIterator[tuple[list[dict[str, Any]], bool]]:
    """Batches of events, and whether each is the last; a batch is empty where one poll finds nothing."""
    is_final, due = False, 0.0
    with pace.reading():
        while True:
            # The record first: once it is final, every event of the run is in the store.
            if not is_final and time.monotonic() >= due:
                is_final, due = (await look()).is_final, time.monotonic() + pace.record_s
            events = await feed.read_new()
            at_end = bool(events) and events[-1]["type"] == Finished.type
            over = is_final and (not events or at_end)
            yield events, over
            if over or closing.is_set():
                return
            if at_end:
                due = 0.0
            if not events:
                await wait_event(closing, pace.pause_s)


async def long_poll(
    feed: Feed, look: Look, *, wait_s: float, pace: PollInterval, closing: asyncio.Event
) -> dict[str, Any]:
    """The next events, once there are any, the run has ended, or the wait is over."""
    deadline = time.monotonic() + wait_s
    async for events, over in batches(feed, look, pace=pace, closing=closing):
        if events or over or time.monotonic() >= deadline:
            return {"events": events, "next": feed.after, "done": over}
    return {"events": [], "next": feed.after, "done": False}
