"""The gateway's routes, a file for each kind of thing that they are about."""

from __future__ import annotations

from unmoor.runtime.gateway.api import ApiContext
from unmoor.runtime.gateway.resource import ResourceRoute

from . import about, artifacts, events, health, hooks, invocations, page, runs, wake

PARTS = (health, page, runs, events, artifacts, hooks, wake, invocations, about)


def all_routes(api: ApiContext) -> list[ResourceRoute]:
    """Every route there is."""
    return [route for part in PARTS for route in part.routes(api)]
