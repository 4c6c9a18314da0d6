"""The gateway's routes, one file per resource."""

from __future__ import annotations

from unmoor.runtime.gateway.http.context import ApiContext
from unmoor.runtime.gateway.http.resource_route import ResourceRoute

from . import about, artifacts, events, health, invocations, page, runs, triggers, wake

PARTS = (health, page, runs, events, artifacts, triggers, wake, invocations, about)


def all_routes(api: ApiContext) -> list[ResourceRoute]:
    """All routes."""
    return [route for part in PARTS for route in part.routes(api)]
