"""Webhooks, and the list of deliveries."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from unmoor.runtime.gateway.http import requests
from unmoor.runtime.gateway.http.context import ApiContext
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
    limit, cursor = requests.limit_param(query), requests.cursor_param(query, requests.DELIVERY_CURSOR)
    await api.hooks.intake.deliveries.flush_counts()
    page = await delivery_page(api.store, limit=limit, cursor=cursor, trigger=query.get("trigger", ""))
    return json_response({"deliveries": page.deliveries, "next_cursor": page.next_cursor or None})
