"""The two ways from a run's port to a guard; a test that takes `route` runs over both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from unmoor.runtime.guard.handler import GuardHandler
from unmoor.runtime.guard.transport.link_client import connect_guard
from unmoor.runtime.guard.transport.server import GuardServer
from unmoor.runtime.guard.transport.types import ConnectionHandler

chosen = "inside"


@asynccontextmanager
async def route_to(door: GuardHandler) -> AsyncIterator[ConnectionHandler]:
    """A handler that leads to this one by the chosen route."""
    if chosen == "inside":
        yield door
        return
    async with GuardServer(door, host="127.0.0.1", port=0, drain_s=0.2) as server:
        yield connect_guard(f"http://127.0.0.1:{server.number}")
