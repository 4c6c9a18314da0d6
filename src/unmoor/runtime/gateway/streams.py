"""A run's events to a client: as a stream of server-sent events, or one answer at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from unmoor.runtime.events import Finished
from unmoor.runtime.records import RunRecord

from .feed import Feed

HEARTBEAT_S = 15.0
RETRY_MS = 2000

Look = Callable[[], Awaitable[RunRecord]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often the store is looked at for new events, and how long a stream may be silent; in seconds."""

    poll_s: float = 1.0
    heartbeat_s: float = HEARTBEAT_S


async def batches(
    feed: Feed, look: Look, *, pace: Pace, closing: asyncio.Event
) -> AsyncIterator[tuple[list[dict[str, Any]], bool]]:
    """Events as they come, and whether they were the last; an empty batch where nothing came for one look."""
    while True:
        # The record first: what is written before a run's end is in the store when its record says so.
        is_final = (await look()).is_final
        events = await feed.more()
        over = is_final and (not events or events[-1]["type"] == Finished.type)
        yield events, over
        if over or closing.is_set():
            return
        if not events:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(closing.wait(), pace.poll_s)


async def server_sent(feed: Feed, look: Look, *, pace: Pace, closing: asyncio.Event) -> AsyncIterator[bytes]:
    """The stream: each event under its number, a comment where nothing came, `end` with the status as the last one."""
    yield f"retry: {RETRY_MS}\n\n".encode()
    silent_since = time.monotonic()
    async for events, over in batches(feed, look, pace=pace, closing=closing):
        if events:
            yield b"".join(map(_event, events))
            silent_since = time.monotonic()
        if over:
            yield _named("end", {"status": (await look()).status})
        elif time.monotonic() - silent_since >= pace.heartbeat_s:
            yield b": still here\n\n"
            silent_since = time.monotonic()


async def polled(feed: Feed, look: Look, *, wait_s: float, pace: Pace, closing: asyncio.Event) -> dict[str, Any]:
    """The events after a number, once there are any, the run has ended, or the wait is over."""
    deadline = time.monotonic() + wait_s
    async for events, over in batches(feed, look, pace=pace, closing=closing):
        if events or over or time.monotonic() >= deadline:
            return {"events": events, "next": feed.after, "done": over}
    return {"events": [], "next": feed.after, "done": False}


def _event(event: dict[str, Any]) -> bytes:
    return f"id: {event['n']}\n".encode() + _named(event["type"], event)


def _named(name: str, values: dict[str, Any]) -> bytes:
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}\ndata: {text}\n\n".encode(errors="replace")
