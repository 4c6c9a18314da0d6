"""Whether the gateway lives and can work; open to all."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from unmoor.container import HEALTH_PATH, READY_PATH
from unmoor.runtime.gateway.answers import answer
from unmoor.runtime.gateway.api import Api


def routes(api: Api) -> list[Route]:
    return [Route(HEALTH_PATH, health), Route(READY_PATH, partial(ready, api))]


async def health(request: Request) -> Response:
    return answer({"status": "ok"})


async def ready(api: Api, request: Request) -> Response:
    is_ready = api.dispatcher.reached and not api.closing.is_set()
    values = {"status": "ready" if is_ready else "not ready", "bundle": api.bundle.sha256}
    return answer(values, 200 if is_ready else 503)
