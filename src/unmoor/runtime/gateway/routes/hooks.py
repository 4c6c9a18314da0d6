"""Webhooks, and the list of what came to all triggers."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from unmoor.runtime.gateway import asked
from unmoor.runtime.gateway.answers import answer
from unmoor.runtime.gateway.api import Api
from unmoor.runtime.gateway.delivery_pages import cursor_of, delivery_page
from unmoor.runtime.gateway.resource import Resource


def routes(api: Api) -> list[Resource]:
    return [
        Resource("/hooks/{trigger}", post=api.hooks.answer),
        Resource("/deliveries", get=partial(deliveries, api)),
    ]


async def deliveries(api: Api, request: Request) -> Response:
    query = request.query_params
    asked.only(query, "limit", "cursor", "trigger")
    limit = asked.number(query, "limit", usual=asked.USUAL_RUNS, least=1, most=asked.MOST_RUNS)
    await api.hooks.intake.deliveries.settle()
    found = await delivery_page(api.store, limit=limit, cursor=cursor_of(query), trigger=query.get("trigger", ""))
    return answer({"deliveries": found.deliveries, "next_cursor": found.next_cursor or None})
