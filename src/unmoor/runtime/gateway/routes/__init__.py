"""The gateway's routes, a file for each kind of thing that they are about."""

from __future__ import annotations

from unmoor.runtime.gateway.api import Api
from unmoor.runtime.gateway.resource import Resource

from . import about, artifacts, events, health, hooks, invocations, page, runs, wake

PARTS = (health, page, runs, events, artifacts, hooks, wake, invocations, about)


def all_routes(api: Api) -> list[Resource]:
    """Every route there is."""
    return [route for part in PARTS for route in part.routes(api)]
