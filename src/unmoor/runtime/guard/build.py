"""Makes a guard's door for one agent out of its parts."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from unmoor.runtime.config import AgentConfig
from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.guard.budget.ledger import Ledger, LedgerTimeouts
from unmoor.runtime.guard.egress.connect_proxy import ConnectLimits, ConnectProxy
from unmoor.runtime.guard.egress.network import Network
from unmoor.runtime.guard.model.forward import Provider
from unmoor.runtime.guard.model.prices import Prices, missing_price_problem
from unmoor.runtime.guard.model.provider_client import ProviderClient, UpstreamTimes
from unmoor.runtime.guard.model.proxy import MOST_BODY, ROOM, ModelProxy
from unmoor.runtime.guard.model.request_policy import ModelPolicy
from unmoor.runtime.guard.transport.http1 import HttpLimits
from unmoor.runtime.guard.transport.types import Stream
from unmoor.runtime.logs import Log, null_log
from unmoor.runtime.store import Store

from .handler import GuardHandler

Clock = Callable[[], datetime]


class NetworkAccess(Protocol):
    """The network as the way out sees it."""

    def resolve(self, host: str) -> Awaitable[Sequence[str]]: ...

    def dial(self, address: str, port: int) -> Awaitable[Stream]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSettings:
    """How patient and how generous a guard is; the defaults are meant for use, others for tests."""

    http: HttpLimits = field(default_factory=HttpLimits)
    way_out: ConnectLimits = field(default_factory=ConnectLimits)
    upstream: UpstreamTimes = field(default_factory=UpstreamTimes)
    ledger: LedgerTimeouts = field(default_factory=LedgerTimeouts)
    body_bytes: int = MOST_BODY
    room_bytes: int = ROOM
    # Whose certificates the provider's is verified by; None: those that this machine trusts.
    trust: ssl.SSLContext | None = None


def utc_now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def open_guard(
    agent: AgentConfig,
    *,
    store: Store,
    key: str,
    clock: Clock = utc_now,
    outside: NetworkAccess | None = None,
    settings: GuardSettings | None = None,
    log: Log = null_log,
) -> AsyncIterator[GuardHandler]:
    """A door for every run of the agent; `key` is the model's, empty where the agent has no model.

    ConfigurationFault where the agent cannot be guarded as it stands.
    """
    settings = settings or GuardSettings()
    network = outside or Network()
    if why := missing_price_problem(agent):
        raise ConfigurationError(why)
    try:
        async with _model(agent, store, key, clock, settings, log) as model:
            way_out = ConnectProxy(
                egress=agent.network.egress,
                egress_any=agent.network.egress_any,
                resolve=network.resolve,
                dial=network.dial,
                limits=settings.way_out,
                log=log,
            )
            yield GuardHandler(model=model, way_out=way_out, limits=settings.http)
    finally:
        network.close()


@asynccontextmanager
async def _model(
    agent: AgentConfig, store: Store, key: str, clock: Clock, settings: GuardSettings, log: Log
) -> AsyncIterator[ModelProxy | None]:
    if agent.model is None:
        yield None
        return
    if not key:
        raise ConfigurationError(f"the guard was not given {agent.model.api_key}, the key of the model")
    ledger = Ledger(agent, store=store, clock=clock, times=settings.ledger, log=log)
    try:
        async with ProviderClient(agent.model.base_url, settings.upstream, trust=settings.trust) as upstream:
            yield ModelProxy(
                rules=ModelPolicy(provider=agent.model.provider, model=agent.model.name, web=agent.network.egress_any),
                provider=Provider(
                    model=agent.model.name,
                    upstream=upstream,
                    key=key,
                    prices=Prices(model=agent.model, clock=clock),
                    capped=ledger.has_caps,
                ),
                ledger=ledger,
                log=log,
                most_body=settings.body_bytes,
                room=settings.room_bytes,
            )
    finally:
        await ledger.close()
