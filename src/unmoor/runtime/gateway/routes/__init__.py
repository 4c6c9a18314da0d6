"""The gateway's routes, a file for each kind of thing that they are about."""

from __future__ import annotations

from unmoor.runtime.gateway.api import Api
from unmoor.runtime.gateway.resource import Resource

from . import about, artifacts, events, health, hooks, page, runs, wake


def all_routes(api: Api) -> list[Resource]:
    """Every route there is."""
    return [route for part in (health, page, runs, events, artifacts, hooks, wake, about) for route in part.routes(api)]
