"""The gateway's routes, a file for each kind of thing that they are about."""

from __future__ import annotations

from starlette.routing import Route

from unmoor.runtime.gateway.api import Api

from . import about, artifacts, events, health, hooks, runs


def all_routes(api: Api) -> list[Route]:
    """Every route there is."""
    return [route for part in (health, runs, events, artifacts, hooks, about) for route in part.routes(api)]
