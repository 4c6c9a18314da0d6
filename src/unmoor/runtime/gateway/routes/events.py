"""A run's events: as a stream, or one answer at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from unmoor.runtime.gateway import asked
from unmoor.runtime.gateway.answers import SAFE, Refusal, answer
from unmoor.runtime.gateway.api import Api
from unmoor.runtime.gateway.feed import Feed
from unmoor.runtime.gateway.resource import Resource
from unmoor.runtime.gateway.streams import polled, server_sent

MOST_STREAMS = 200
LAST_EVENT = 2**53 - 1


def routes(api: Api) -> list[Resource]:
    return [Resource("/runs/{id}/events", get=partial(events, api))]


async def events(api: Api, request: Request) -> Response:
    query = request.query_params
    asked.only(query, "after", "wait")
    await api.record(request)
    if query and "text/event-stream" not in request.headers.get("accept", ""):
        return await _polled(api, request)
    return await _streamed(api, request)


async def _polled(api: Api, request: Request) -> Response:
    query = request.query_params
    after = asked.number(query, "after", usual=0, least=0, most=LAST_EVENT)
    wait = asked.number(query, "wait", usual=0, least=0, most=asked.MOST_WAIT_S)
    feed = Feed(store=api.store, run=request.path_params["id"], after=after)
    return answer(await polled(feed, api.looker(request), wait_s=wait, pace=api.pace, closing=api.closing))


async def _streamed(api: Api, request: Request) -> Response:
    query = {"after": request.headers.get("last-event-id") or request.query_params.get("after", "0")}
    after = asked.number(query, "after", usual=0, least=0, most=LAST_EVENT)
    feed = Feed(store=api.store, run=request.path_params["id"], after=after)
    if after and (await api.record(request)).is_final and not await feed.more():
        return Response(status_code=204, headers=SAFE)  # by which a browser knows not to ask again
    feed = Feed(store=api.store, run=request.path_params["id"], after=after)
    if api.streams >= MOST_STREAMS:
        raise Refusal(503, f"{MOST_STREAMS} streams are open, and no more are served; poll with ?after=N&wait=20")
    api.streams += 1
    stream = server_sent(feed, api.looker(request), pace=api.pace, closing=api.closing)
    headers = {**SAFE, "x-accel-buffering": "no"}
    return _Stream(stream, headers=headers, media_type="text/event-stream", ended=partial(_ended, api))


def _ended(api: Api) -> None:
    api.streams -= 1


class _Stream(StreamingResponse):
    """A stream that says when it is over, however that comes about."""

    def __init__(self, content: object, *, ended: Callable[[], None], **rest: object) -> None:
        super().__init__(content, **rest)  # type: ignore[arg-type]
        self._ended = ended

    async def __call__(self, *ways: object) -> None:
        try:
            await super().__call__(*ways)  # type: ignore[arg-type]
        finally:
            self._ended()
