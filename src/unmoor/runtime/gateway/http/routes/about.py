"""The gateway itself: liveness, readiness, waking, metrics and the OpenAPI description."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from unmoor.container import HEALTH_PATH, READY_PATH, WAKE_PATH
from unmoor.runtime.gateway.http.context import ApiContext
from unmoor.runtime.gateway.http.openapi.document import document
from unmoor.runtime.gateway.http.resource_route import ResourceRoute
from unmoor.runtime.http.responses import SAFE, HttpError, json_response


def routes(api: ApiContext) -> list[ResourceRoute]:
    return [
        ResourceRoute(HEALTH_PATH, get=health),
        ResourceRoute(READY_PATH, get=partial(ready, api)),
        ResourceRoute(WAKE_PATH, post=partial(wake, api)),
        ResourceRoute("/metrics", get=partial(metrics, api)),
        ResourceRoute("/openapi.json", get=partial(openapi, api)),
    ]


async def health(request: Request) -> Response:
    return json_response({"status": "ok"})


async def ready(api: ApiContext, request: Request) -> Response:
    is_ready = api.dispatcher.reached and not api.stopping.is_set()
    values = {"status": "ready" if is_ready else "not ready", "bundle": api.bundle.sha256}
    return json_response(values, 200 if is_ready else 503)


async def wake(api: ApiContext, request: Request) -> Response:
    """Reads the queue, at a limited rate, and responds afterwards: some platforms give a gateway no CPU between
    requests."""
    if not await api.wake():
        raise HttpError(503, "the store cannot be reached; try again", retry_after="5")
    return Response(status_code=204, headers=SAFE)


async def metrics(api: ApiContext, request: Request) -> Response:
    text = api.metrics.exposition(api.dispatcher.view.known.values())
    return Response(text, headers={**SAFE, "content-type": "text/plain; version=0.0.4; charset=utf-8"})


async def openapi(api: ApiContext, request: Request) -> Response:
    return json_response(document(api.bundle.agent.name, tuple(w.name for w in api.bundle.agent.webhooks)))
