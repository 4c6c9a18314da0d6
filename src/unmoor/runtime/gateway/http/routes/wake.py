"""A run that has ended, or whoever else, says that the queue is worth a look; open to all, and not worth much."""

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
    """Answered when the look is over: between requests, some platforms give a gateway no processor to look with."""
    if not await api.nudges():
        raise HttpError(503, "the store cannot be reached; try again", retry_after="5")
    return Response(status_code=204, headers=SAFE)
