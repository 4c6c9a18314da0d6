"""A guard in the same process as its runs: on one's own machine, and where runs live in the gateway's container."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from unmoor.runtime.config import Agent
from unmoor.runtime.store.objects import Store

from .connect import WayOut
from .door import Door
from .network import Network
from .way import Way


@asynccontextmanager
async def guard_inside(agent: Agent, *, key: str, store: Store) -> AsyncIterator[Way]:
    """The way that the agent's runs go; `key` opens its model, and is empty where it has none."""
    network = Network()
    try:
        way_out = WayOut(egress=agent.egress, egress_any=agent.egress_any, resolve=network.resolve, dial=network.dial)
        yield Door(model=None, way_out=way_out)
    finally:
        network.close()
