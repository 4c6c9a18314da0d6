"""`unmoor-agent guard`: a guard in a container of its own."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unmoor.container import GUARD_PORT, GUARD_RUNS, ONE_RUN, RUN_TOKEN_KEY, secret_variable
from unmoor.runtime.config import AgentConfig
from unmoor.runtime.environment import ContainerEnvironment, read_environment, scrub_secrets
from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.guard.transport.run_tokens import RunKey, VerifiedRuns
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
    """The listen address, whether the guard is there for one run, which holds it, and whether it exits when that
    ends."""

    host: str
    port: int
    one_run: bool
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
    ends_with_run = environment.get("UNMOOR_GUARD_ENDS", "") == "with-run"
    return GuardOptions(
        host=environment.get("UNMOOR_GUARD_BIND", "") or "0.0.0.0",
        port=int(port),
        one_run=ends_with_run or environment.get(GUARD_RUNS, "") == ONE_RUN,
        ends_with_run=ends_with_run,
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
    key = _run_key(options, environment)

    def on_release() -> None:
        if key is not None:
            key.let_go()
        if options.ends_with_run:
            stop.set()

    async with (
        open_guard(agent, store=store, key=model_key(agent, environment), log=log) as guard,
        GuardServer(
            _verified(guard, key, log),
            host=options.host,
            port=options.port,
            hold=key.take if key is not None else lambda _: True,
            released=on_release,
            log=log,
        ) as server,
    ):
        log("listening", host=options.host, port=server.number, agent=agent.name, environment=agent.environment)
        await stop.wait()
        log("stopping")
    log("stopped")
    return 0


def _run_key(options: GuardOptions, environment: ContainerEnvironment) -> RunKey | None:
    """The key that proves runs; None where neither the target nor a runner that holds the guard gives one."""
    if key := environment.secrets.get(secret_variable(RUN_TOKEN_KEY), ""):
        return RunKey(key)
    return RunKey(from_holder=True) if options.one_run else None


def _verified(guard: GuardHandler, key: RunKey | None, log: Log) -> FlushableHandler:
    """The guard for runs that prove their ids, if there is a key for that."""
    if key is not None:
        return VerifiedRuns(guard, key)
    log(f"runs need not prove their ids: {secret_variable(RUN_TOKEN_KEY)} is not set", level="warning")
    return guard


def model_key(agent: AgentConfig, environment: ContainerEnvironment) -> str:
    """The model's key, empty if the agent has no model."""
    return environment.secret(agent.model.api_key) if agent.model else ""
