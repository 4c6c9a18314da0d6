"""Webhooks, and the list of deliveries."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from unmoor.runtime.gateway.http import requests
from unmoor.runtime.gateway.http.context import ApiContext
from unmoor.runtime.gateway.http.requests import cursor_of
from unmoor.runtime.gateway.http.resource_route import ResourceRoute
from unmoor.runtime.http.responses import json_response
from unmoor.runtime.state.delivery_pages import delivery_page


def routes(api: ApiContext) -> list[ResourceRoute]:
    return [
        ResourceRoute("/hooks/{trigger}", post=api.hooks.handle),
        ResourceRoute("/deliveries", get=partial(deliveries, api)),
    ]


async def deliveries(api: ApiContext, request: Request) -> Response:
    query = request.query_params
    requests.reject_unknown_params(query, "limit", "cursor", "trigger")
    limit = requests.int_param(query, "limit", usual=requests.USUAL_RUNS, least=1, most=requests.MOST_RUNS)
    await api.hooks.intake.deliveries.flush_counts()
    found = await delivery_page(api.store, limit=limit, cursor=cursor_of(query), trigger=query.get("trigger", ""))
    return json_response({"deliveries": found.deliveries, "next_cursor": found.next_cursor or None})
