"""`unmoor-agent guard`: a guard in a container of its own."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unmoor.container import GUARD_PORT, RUN_TOKEN_KEY, secret_variable
from unmoor.runtime.config import AgentConfig
from unmoor.runtime.environment import ContainerEnvironment, read_environment, scrub_secrets
from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.guard.transport.run_tokens import VerifiedRuns
from unmoor.runtime.guard.transport.server import GuardServer
from unmoor.runtime.guard.transport.types import FlushableHandler
from unmoor.runtime.logs import JsonLog, Log
from unmoor.runtime.patience import retry_at_start
from unmoor.runtime.redact import redactor
from unmoor.runtime.signals import shutdown_event
from unmoor.runtime.state.bundle import fetch_bundle
from unmoor.runtime.store import open_store

from .build import open_guard
from .handler import GuardHandler


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardOptions:
    """The listen address, and whether the guard exits when the run that holds it ends."""

    host: str
    port: int
    ends_with_run: bool


def main() -> int:
    """Serves until SIGTERM; exit code 2 if the container's configuration is incomplete."""
    options, environment = read_options(os.environ), read_environment(os.environ)
    scrub_secrets()
    return asyncio.run(serve(options, environment))


def read_options(environment: Mapping[str, str]) -> GuardOptions:
    """The options in the variables; Cloud Run sets PORT."""
    port = environment.get("PORT", "") or str(GUARD_PORT)
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigurationError(f"PORT: {port!r} is not a port; the platform sets it")
    return GuardOptions(
        host=environment.get("UNMOOR_GUARD_BIND", "") or "0.0.0.0",
        port=int(port),
        ends_with_run=environment.get("UNMOOR_GUARD_ENDS", "") == "with-run",
    )


async def serve(options: GuardOptions, environment: ContainerEnvironment) -> int:
    """Serves the agent's runs until SIGTERM; open connections may then end, and spending is written."""
    log = JsonLog(redact=redactor(environment.secrets), part="guard")
    stop = shutdown_event()
    store = open_store(environment.store_url)
    with tempfile.TemporaryDirectory(prefix="guard-") as folder:
        fetched = await retry_at_start(
            lambda: fetch_bundle(store, environment.bundle, Path(folder)), "fetching the bundle", stop=stop, log=log
        )
    agent = fetched.agent
    released = stop.set if options.ends_with_run else lambda: None
    async with (
        open_guard(agent, store=store, key=model_key(agent, environment), log=log) as guard,
        GuardServer(
            _verified(guard, environment, log), host=options.host, port=options.port, released=released, log=log
        ) as server,
    ):
        log("listening", host=options.host, port=server.number, agent=agent.name, environment=agent.environment)
        await stop.wait()
        log("stopping")
    log("stopped")
    return 0


def _verified(guard: GuardHandler, environment: ContainerEnvironment, log: Log) -> FlushableHandler:
    """The guard for runs that prove their ids, if the target gives runs and the guard a key for that."""
    if key := environment.secrets.get(secret_variable(RUN_TOKEN_KEY), ""):
        return VerifiedRuns(guard, key)
    log(f"runs need not prove their ids: {secret_variable(RUN_TOKEN_KEY)} is not set", level="warning")
    return guard


def model_key(agent: AgentConfig, environment: ContainerEnvironment) -> str:
    """The model's key, empty if the agent has no model."""
    return environment.secret(agent.model.api_key) if agent.model else ""
