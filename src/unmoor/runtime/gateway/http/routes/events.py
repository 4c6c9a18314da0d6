"""A run's events, as a stream or a long poll."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from unmoor.runtime.gateway.http import requests
from unmoor.runtime.gateway.http.context import ApiContext
from unmoor.runtime.gateway.http.event_stream import EventStream
from unmoor.runtime.gateway.http.resource_route import ResourceRoute
from unmoor.runtime.http.responses import SAFE, json_response
from unmoor.runtime.state.event_feed import Feed
from unmoor.runtime.state.event_stream import long_poll

LAST_EVENT = 2**53 - 1


def routes(api: ApiContext) -> list[ResourceRoute]:
    return [ResourceRoute("/runs/{id}/events", get=partial(events, api))]


async def events(api: ApiContext, request: Request) -> Response:
    query, run = request.query_params, request.path_params["id"]
    requests.reject_unknown_params(query, "after", "wait")
    record = await api.record(run)
    after = requests.int_param(query, "after", usual=0, least=0, most=LAST_EVENT)
    after = requests.int_param(request.headers, "last-event-id", usual=after, least=0, most=LAST_EVENT)
    feed = Feed(store=api.store, run=run, after=after)
    wait = requests.int_param(query, "wait", usual=0, least=0, most=requests.MOST_WAIT_S)
    if query and "text/event-stream" not in request.headers.get("accept", ""):
        return json_response(
            await long_poll(feed, api.followed_reader(run), wait_s=wait, pace=api.pace, closing=api.closing)
        )
    if after and record.is_final and not await feed.read_new():
        return Response(status_code=204, headers=SAFE)  # tells browsers not to reconnect
    return EventStream(api, run, after=after)
