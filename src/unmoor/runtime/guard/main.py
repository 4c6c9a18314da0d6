"""`unmoor-agent guard`: a guard in a container of its own."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unmoor.container import GUARD_PORT
from unmoor.runtime.config import AgentConfig
from unmoor.runtime.environment import ContainerEnvironment, read_environment, scrub_secrets
from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.guard.transport.server import GuardServer
from unmoor.runtime.logs import JsonLog
from unmoor.runtime.redact import redactor
from unmoor.runtime.signals import shutdown_event
from unmoor.runtime.state.bundle import fetch_bundle
from unmoor.runtime.store import open_store

from .build import open_guard


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardOptions:
    """Where the guard listens: at every address, unless the target says that only the loopback is to be used; and
    whether it ends with the run that it is there for."""

    host: str
    port: int
    ends_with_run: bool


def main() -> int:
    """Runs until it is told to stop; 2 where the container was not given what it needs."""
    listening, surroundings = listening_of(os.environ), read_environment(os.environ)
    scrub_secrets()
    return asyncio.run(serve(listening, surroundings))


def listening_of(environment: Mapping[str, str]) -> GuardOptions:
    """What the variables say; PORT is how Cloud Run says it."""
    text = environment.get("PORT", "") or str(GUARD_PORT)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise ConfigurationError(f"PORT: {text!r} is no port; the platform sets it")
    return GuardOptions(
        host=environment.get("UNMOOR_GUARD_BIND", "") or "0.0.0.0",
        port=int(text),
        ends_with_run=environment.get("UNMOOR_GUARD_ENDS", "") == "with-run",
    )


async def serve(
    listening: GuardOptions, surroundings: ContainerEnvironment, *, stop: asyncio.Event | None = None
) -> int:
    """Serves the runs of the bundle's agent until SIGTERM; then what is open may end, and what was spent is written."""
    log = JsonLog(redact=redactor(surroundings.secrets), part="guard")
    stop = stop or shutdown_event()
    store = open_store(surroundings.store_url)
    with tempfile.TemporaryDirectory(prefix="guard-") as folder:
        agent = (await fetch_bundle(store, surroundings.bundle, Path(folder))).agent
    key = key_of(agent, surroundings)
    released = stop.set if listening.ends_with_run else _nothing
    async with (
        open_guard(agent, store=store, key=key, log=log) as door,
        GuardServer(door, host=listening.host, port=listening.port, released=released, log=log) as server,
    ):
        log("listening", host=listening.host, port=server.number, agent=agent.name, environment=agent.environment)
        await stop.wait()
        log("stopping")
    log("stopped")
    return 0


def key_of(agent: AgentConfig, surroundings: ContainerEnvironment) -> str:
    """The model's key, empty where the agent has no model."""
    return surroundings.secret(agent.model.api_key) if agent.model else ""


def _nothing() -> None:
    """A guard of many runs goes on when one of them ends."""
