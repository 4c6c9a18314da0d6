"""Builds a guard for one agent out of its parts."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from unmoor.runtime.clock import Clock, utc_now
from unmoor.runtime.config import AgentConfig
from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.guard.budget.book import LedgerTimeouts
from unmoor.runtime.guard.budget.ledger import Ledger
from unmoor.runtime.guard.egress.connect_proxy import ConnectLimits, ConnectProxy, NetworkAccess
from unmoor.runtime.guard.egress.network import Network
from unmoor.runtime.guard.model.forward import Provider
from unmoor.runtime.guard.model.prices import Prices, missing_price_problem
from unmoor.runtime.guard.model.provider_client import ProviderClient, UpstreamTimes
from unmoor.runtime.guard.model.proxy import MAX_BODY, MEMORY, ModelProxy
from unmoor.runtime.guard.model.request_policy import ModelPolicy
from unmoor.runtime.guard.transport.http1 import HttpLimits
from unmoor.runtime.logs import Log, null_log
from unmoor.runtime.store import Store

from .handler import GuardHandler


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSettings:
    """A guard's limits and timeouts; tests change the defaults."""

    http: HttpLimits = field(default_factory=HttpLimits)
    egress: ConnectLimits = field(default_factory=ConnectLimits)
    upstream: UpstreamTimes = field(default_factory=UpstreamTimes)
    ledger: LedgerTimeouts = field(default_factory=LedgerTimeouts)
    body_bytes: int = MAX_BODY
    memory_bytes: int = MEMORY
    # The certificates that verify the provider's; None: those that this machine trusts.
    trust: ssl.SSLContext | None = None


@asynccontextmanager
async def open_guard(
    agent: AgentConfig,
    *,
    store: Store,
    key: str,
    clock: Clock = utc_now,
    network: NetworkAccess | None = None,
    settings: GuardSettings | None = None,
    log: Log = null_log,
) -> AsyncIterator[GuardHandler]:
    """A guard for every run of the agent; `key` is the model's key, empty if the agent has no model.

    ConfigurationError if the agent's caps cannot be enforced or the key is missing.
    """
    settings = settings or GuardSettings()
    network = network or Network()
    if problem := missing_price_problem(agent):
        raise ConfigurationError(problem)
    try:
        async with _open_model(agent, store, key, clock, settings, log) as model:
            egress = ConnectProxy(
                allowed=agent.network.egress,
                allow_any=agent.network.egress_any,
                network=network,
                limits=settings.egress,
                log=log,
            )
            yield GuardHandler(model=model, egress=egress, limits=settings.http)
    finally:
        network.close()


@asynccontextmanager
async def _open_model(
    agent: AgentConfig, store: Store, key: str, clock: Clock, settings: GuardSettings, log: Log
) -> AsyncIterator[ModelProxy | None]:
    if (model := agent.model) is None:
        yield None
        return
    if not key:
        raise ConfigurationError(f"the guard has no value for {model.api_key}, the model's key")
    ledger = Ledger(agent, store=store, clock=clock, times=settings.ledger, log=log)
    try:
        async with ProviderClient(model.base_url, settings.upstream, trust=settings.trust) as upstream:
            prices = Prices(model=model, clock=clock)
            yield ModelProxy(
                policy=ModelPolicy(provider=model.provider, model=model.name, web=agent.network.egress_any),
                provider=Provider(model=model.name, upstream=upstream, key=key, prices=prices, ledger=ledger),
                log=log,
                max_body=settings.body_bytes,
                memory_bytes=settings.memory_bytes,
            )
    finally:
        await ledger.close()
