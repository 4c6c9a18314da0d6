"""What tools read about the gateway: its numbers, and the description of its API."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from unmoor.runtime.gateway.answers import SAFE, answer
from unmoor.runtime.gateway.api import Api
from unmoor.runtime.gateway.described.document import document
from unmoor.runtime.gateway.resource import Resource


def routes(api: Api) -> list[Resource]:
    return [Resource("/metrics", get=partial(numbers, api)), Resource("/openapi.json", get=partial(openapi, api))]


async def numbers(api: Api, request: Request) -> Response:
    text = api.metrics.text(api.dispatcher.known.values())
    return Response(text, headers={**SAFE, "content-type": "text/plain; version=0.0.4; charset=utf-8"})


async def openapi(api: Api, request: Request) -> Response:
    return answer(document(api.bundle.agent.name, tuple(w.name for w in api.bundle.agent.webhooks)))
