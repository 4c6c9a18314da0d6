"""The gateway's routes, one file per resource."""

from __future__ import annotations

from unmoor.runtime.gateway.http.context import ApiContext
from unmoor.runtime.gateway.http.resource_route import ResourceRoute

from . import about, artifacts, events, invocations, page, runs, triggers

PARTS = (about, page, runs, events, artifacts, triggers, invocations)


def all_routes(api: ApiContext) -> list[ResourceRoute]:
    return [route for part in PARTS for route in part.routes(api)]
