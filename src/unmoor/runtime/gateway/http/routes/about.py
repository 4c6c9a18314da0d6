"""Metrics, and the OpenAPI description."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from unmoor.runtime.gateway.http.context import ApiContext
from unmoor.runtime.gateway.http.openapi.document import document
from unmoor.runtime.gateway.http.resource_route import ResourceRoute
from unmoor.runtime.http.responses import SAFE, json_response


def routes(api: ApiContext) -> list[ResourceRoute]:
    return [
        ResourceRoute("/metrics", get=partial(metrics, api)),
        ResourceRoute("/openapi.json", get=partial(openapi, api)),
    ]


async def metrics(api: ApiContext, request: Request) -> Response:
    text = api.metrics.exposition(api.dispatcher.known.values())
    return Response(text, headers={**SAFE, "content-type": "text/plain; version=0.0.4; charset=utf-8"})


async def openapi(api: ApiContext, request: Request) -> Response:
    return json_response(document(api.bundle.agent.name, tuple(w.name for w in api.bundle.agent.webhooks)))
