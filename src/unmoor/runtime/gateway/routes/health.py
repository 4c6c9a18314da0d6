"""Whether the gateway lives and can work; open to all."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from unmoor.container import HEALTH_PATH, READY_PATH
from unmoor.runtime.gateway.answers import answer
from unmoor.runtime.gateway.api import Api
from unmoor.runtime.gateway.resource import Resource


def routes(api: Api) -> list[Resource]:
    return [Resource(HEALTH_PATH, get=health), Resource(READY_PATH, get=partial(ready, api))]


async def health(request: Request) -> Response:
    return answer({"status": "ok"})


async def ready(api: Api, request: Request) -> Response:
    is_ready = api.dispatcher.reached and not api.closing.is_set()
    values = {"status": "ready" if is_ready else "not ready", "bundle": api.bundle.sha256}
    return answer(values, 200 if is_ready else 503)
