"""The ways that lead from a run's port to a guard's door; a test holds over all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from unmoor.runtime.guard.handler import GuardHandler
from unmoor.runtime.guard.transport.identity import NoIdentity
from unmoor.runtime.guard.transport.link_client import GuardLink, connect_guard
from unmoor.runtime.guard.transport.server import GuardServer
from unmoor.runtime.guard.transport.types import ConnectionHandler
from unmoor.runtime.guard.transport.websocket import dial

chosen = "inside"


@asynccontextmanager
async def route_to(door: GuardHandler) -> AsyncIterator[ConnectionHandler]:
    """The chosen way to this door."""
    if chosen == "inside":
        yield door
        return
    async with GuardServer(door, host="127.0.0.1", port=0, drain_s=0.2) as server:
        if chosen == "frames":
            yield connect_guard(f"http://127.0.0.1:{server.number}")
        else:
            url = f"ws://127.0.0.1:{server.number}/link"
            yield GuardLink(lambda: dial(url, NoIdentity()))
