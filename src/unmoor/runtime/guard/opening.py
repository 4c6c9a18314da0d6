"""Makes a guard's door for one agent out of its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Protocol

from unmoor.runtime.config import Agent
from unmoor.runtime.store import Store

from .connect import WayOut
from .door import Door
from .network import Network
from .way import Log, Stream, quiet

Clock = Callable[[], datetime]


class Outside(Protocol):
    """The network as the way out sees it."""

    def resolve(self, host: str) -> Awaitable[Sequence[str]]: ...

    def dial(self, address: str, port: int) -> Awaitable[Stream]: ...

    def close(self) -> None: ...


def utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def open_door(
    agent: Agent,
    *,
    store: Store,
    key: str,
    clock: Clock = utc_now,
    outside: Outside | None = None,
    log: Log = quiet,
) -> AsyncIterator[Door]:
    """A door for every run of the agent; `key` is the model's, empty where the agent has no model.

    ConfigurationFault where the agent cannot be guarded as it stands.
    """
    network = outside or Network()
    try:
        yield Door(
            model=None,
            way_out=WayOut(
                egress=agent.egress,
                egress_any=agent.egress_any,
                resolve=network.resolve,
                dial=network.dial,
                log=log,
            ),
        )
    finally:
        network.close()
