"""A stream as an answer, which holds its slot just as long as it is sent."""

from __future__ import annotations

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from .answers import SAFE, HttpError, error_response
from .api import ApiContext
from .feed import Feed
from .streams import sse_stream


class EventStream(StreamingResponse):
    """A run's events after a number, as they come; what is asked for by HEAD is its headers alone."""

    def __init__(self, api: ApiContext, run: str, *, after: int, headers: dict[str, str] | None = None) -> None:
        self.slots = api.slots
        feed = Feed(store=api.store, run=run, after=after)
        stream = sse_stream(feed, api.record_reader(run), pace=api.pace, closing=api.closing)
        given = {**SAFE, "x-accel-buffering": "no", **(headers or {})}
        super().__init__(stream, headers=given, media_type="text/event-stream")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            return await send({"type": "http.response.body", "body": b""})
        try:
            with self.slots.hold():
                await super().__call__(scope, receive, send)
        except HttpError as refusal:
            await error_response(refusal)(scope, receive, send)
