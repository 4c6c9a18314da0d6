"""A run's events as a stream of server-sent events."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from unmoor.runtime.http.responses import SAFE, HttpError, error_response
from unmoor.runtime.state.event_feed import Feed
from unmoor.runtime.state.event_stream import Look, PollInterval, batches

from .context import ApiContext


class EventStream(StreamingResponse):
    """A response with the run's events after a number; it holds a slot of the stream limit while it is sent."""

    def __init__(self, api: ApiContext, run: str, *, after: int, headers: dict[str, str] | None = None) -> None:
        self.slots = api.slots
        feed = Feed(store=api.store, run=run, after=after)
        stream = sse_stream(feed, api.followed_reader(run), pace=api.pace, closing=api.closing)
        own = {**SAFE, "x-accel-buffering": "no", **(headers or {})}
        super().__init__(stream, headers=own, media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            return await send({"type": "http.response.body", "body": b""})
        try:
            with self.slots.hold():
                await super().__call__(scope, receive, send)
        except HttpError as error:
            await error_response(error)(scope, receive, send)


RETRY_MS = 2000


async def sse_stream(feed: Feed, look: Look, *, pace: PollInterval, closing: asyncio.Event) -> AsyncIterator[bytes]:
    """The stream: each event with its number, heartbeat comments, and finally `end` with the run's status."""
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


def _event(event: dict[str, Any]) -> bytes:
    return f"id: {event['n']}\n".encode() + _named(event["type"], event)


def _named(name: str, values: dict[str, Any]) -> bytes:
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}\ndata: {text}\n\n".encode(errors="replace")
