"""Liveness and readiness; no token required."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from unmoor.container import HEALTH_PATH, READY_PATH
from unmoor.runtime.gateway.http.context import ApiContext
from unmoor.runtime.gateway.http.resource_route import ResourceRoute
from unmoor.runtime.http.responses import json_response


def routes(api: ApiContext) -> list[ResourceRoute]:
    return [ResourceRoute(HEALTH_PATH, get=health), ResourceRoute(READY_PATH, get=partial(ready, api))]


async def health(request: Request) -> Response:
    return json_response({"status": "ok"})


async def ready(api: ApiContext, request: Request) -> Response:
    is_ready = api.dispatcher.reached and not api.closing.is_set()
    values = {"status": "ready" if is_ready else "not ready", "bundle": api.bundle.sha256}
    return json_response(values, 200 if is_ready else 503)
