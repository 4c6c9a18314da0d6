"""A run's events to a client: as a stream of server-sent events, or one answer at a time."""

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
# A record is read less often than its run's events: the last of those says that it has ended.
RECORD_S = 0.5
# So many look at the full pace.
UNHURRIED = 8

Look = Callable[[], Awaitable[RunRecord]]


@dataclass(slots=True, kw_only=True)
class PollInterval:
    """How often the store is looked at for new events, and how long a stream may be silent; in seconds."""

    poll_s: float = POLL_S
    heartbeat_s: float = HEARTBEAT_S
    record_s: float = RECORD_S
    _readers: int = 0

    @property
    def pause_s(self) -> float:
        """Until the next look: the more look, the less often each of them does."""
        return self.poll_s * max(1.0, self._readers / UNHURRIED)

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """While it lasts there is one more who looks."""
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1


def poll_interval(store: Store) -> PollInterval:
    """A folder is looked at more often than what is paid for by the request."""
    return PollInterval(poll_s=NEAR_POLL_S) if store.is_local else PollInterval()


async def batches(
    feed: Feed, look: Look, *, pace: PollInterval, closing: asyncio.Event
) -> AsyncIterator[tuple[list[dict[str, Any]], bool]]:
    """Events as they come, and whether they were the last; an empty batch where nothing came for one look."""
    is_final, due = False, 0.0
    with pace.reading():
        while True:
            # The record first: what is written before a run's end is in the store when its record says so.
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
    """The events after a number, once there are any, the run has ended, or the wait is over."""
    deadline = time.monotonic() + wait_s
    async for events, over in batches(feed, look, pace=pace, closing=closing):
        if events or over or time.monotonic() >= deadline:
            return {"events": events, "next": feed.after, "done": over}
    return {"events": [], "next": feed.after, "done": False}
