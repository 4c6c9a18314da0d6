"""Webhooks, and the list of what came to all triggers."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from unmoor.runtime.gateway import asked
from unmoor.runtime.gateway.answers import json_response
from unmoor.runtime.gateway.api import ApiContext
from unmoor.runtime.gateway.delivery_pages import cursor_of, delivery_page
from unmoor.runtime.gateway.resource import ResourceRoute


def routes(api: ApiContext) -> list[ResourceRoute]:
    return [
        ResourceRoute("/hooks/{trigger}", post=api.hooks.answer),
        ResourceRoute("/deliveries", get=partial(deliveries, api)),
    ]


async def deliveries(api: ApiContext, request: Request) -> Response:
    query = request.query_params
    asked.reject_unknown_params(query, "limit", "cursor", "trigger")
    limit = asked.int_param(query, "limit", usual=asked.USUAL_RUNS, least=1, most=asked.MOST_RUNS)
    await api.hooks.intake.deliveries.flush_counts()
    found = await delivery_page(api.store, limit=limit, cursor=cursor_of(query), trigger=query.get("trigger", ""))
    return json_response({"deliveries": found.deliveries, "next_cursor": found.next_cursor or None})
