"""Makes the gateway look at its queue; no token required, and rate-limited."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from unmoor.container import WAKE_PATH
from unmoor.runtime.gateway.http.context import ApiContext
from unmoor.runtime.gateway.http.resource_route import ResourceRoute
from unmoor.runtime.http.responses import SAFE, HttpError


def routes(api: ApiContext) -> list[ResourceRoute]:
    return [ResourceRoute(WAKE_PATH, post=partial(wake, api))]


async def wake(api: ApiContext, request: Request) -> Response:
    """Responds after the look, because some platforms give a gateway no CPU between requests."""
    if not await api.wake():
        raise HttpError(503, "the store cannot be reached; try again", retry_after="5")
    return Response(status_code=204, headers=SAFE)
