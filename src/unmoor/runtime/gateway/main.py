"""`unmoor-agent serve`: the gateway in its container."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unmoor.container import GATEWAY_PORT, RUN_TOKEN_KEY, secret_variable
from unmoor.runtime.environment import ContainerEnvironment, read_environment, scrub_secrets
from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.gateway.launchers.choose import (
    PROCESS,
    build_launcher,
    has_cpu_between_requests,
    read_launcher_config,
)
from unmoor.runtime.http.server import bind_tcp
from unmoor.runtime.logs import JsonLog
from unmoor.runtime.patience import retry_at_start
from unmoor.runtime.redact import redactor
from unmoor.runtime.secret_references import secrets_by_holder
from unmoor.runtime.signals import shutdown_event
from unmoor.runtime.state.bundle import fetch_bundle
from unmoor.runtime.store import open_store, verify_store

from .gateway import Gateway
from .public_url import VARIABLE as GATEWAY_URL
from .public_url import discover_public_url

DAY_S = 24 * 3600
# The secrets themselves, and the directory where they are mounted.
SECRETS = "UNMOOR_SECRET"


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayOptions:
    """Settings from the environment: the address, the launcher with its configuration, who fires schedules, the age at
    which objects expire, the time for which the gateway serves on, and the environment that runs as processes inherit
    without its secrets."""

    host: str
    port: int
    launcher: tuple[str, Mapping[str, Any]]
    platform_schedules: bool
    sweep_after_s: int | None
    serve_on_s: int
    environment: Mapping[str, str] = field(repr=False)
    invocations_open: bool = False


def main() -> int:
    """Serves until SIGTERM; exit code 2 where the container's configuration is incomplete."""
    surroundings = read_environment(os.environ)
    scrub_secrets()
    return asyncio.run(serve(read_options(os.environ), surroundings))


def read_options(environment: Mapping[str, str]) -> GatewayOptions:
    """The settings, with the port from PORT as Cloud Run sets it; ConfigurationError for invalid values."""
    port = environment.get("PORT", "") or str(GATEWAY_PORT)
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigurationError(f"PORT: {port!r} is not a port; the platform sets it")
    days = _read_number(environment, "UNMOOR_SWEEP_AFTER_DAYS", "days")
    return GatewayOptions(
        host=environment.get("UNMOOR_GATEWAY_BIND", "") or "0.0.0.0",
        port=int(port),
        launcher=read_launcher_config(environment),
        platform_schedules=environment.get("UNMOOR_SCHEDULER", "") not in ("", "gateway"),
        sweep_after_s=None if days is None else days * DAY_S,
        serve_on_s=_read_number(environment, "UNMOOR_SERVE_ON_S", "seconds") or 0,
        environment=dict(environment),
        invocations_open=_are_invocations_open(environment),
    )


def _read_number(environment: Mapping[str, str], variable: str, unit: str) -> int | None:
    """A whole number that the target sets; None where it does not."""
    text = environment.get(variable, "")
    if text and not (text.isascii() and text.isdigit()):
        raise ConfigurationError(f"{variable}: {text!r} is not a number of {unit}; the target sets it")
    return int(text) if text else None


def _are_invocations_open(environment: Mapping[str, str]) -> bool:
    """Whether POST /invocations needs no token, because the platform authenticates its callers."""
    auth = environment.get("UNMOOR_INVOCATIONS_AUTH", "") or "token"
    if auth not in ("token", "platform"):
        raise ConfigurationError(f"UNMOOR_INVOCATIONS_AUTH: {auth!r} is not token or platform")
    return auth == "platform"


async def serve(
    serving: GatewayOptions, surroundings: ContainerEnvironment, *, stop: asyncio.Event | None = None
) -> int:
    """Serves until SIGTERM and the seconds that the target adds, then finishes requests, stops runs, and ends within
    8 s. A second signal skips the added seconds."""
    redact = redactor(surroundings.secrets)
    log = JsonLog(redact=redact, part="gateway")
    hurry = asyncio.Event()
    stop = stop or shutdown_event(hurry)
    if serving.launcher[0] == PROCESS and not surroundings.guard_url:
        raise ConfigurationError("UNMOOR_GUARD_URL is not set; the target sets it")
    store = open_store(surroundings.store_url)
    await retry_at_start(lambda: verify_store(store), "verifying the store", stop=stop, log=log)
    url = await discover_public_url(serving.environment, region=serving.launcher[1].get("region", ""), log=log)
    with tempfile.TemporaryDirectory(prefix="gateway-") as folder:
        bundle = await retry_at_start(
            lambda: fetch_bundle(store, surroundings.bundle, Path(folder)), "fetching the bundle", stop=stop, log=log
        )
        held = secrets_by_holder(bundle.agent)
        secrets = {name: surroundings.secret(name) for name in sorted(held["gateway"])}
        gateway = Gateway(
            store=store,
            bundle=bundle,
            launcher=build_launcher(
                serving.launcher,
                bundle.agent,
                environment=runner_environment(serving.environment, surroundings, {*held["run"], RUN_TOKEN_KEY}),
                extra={GATEWAY_URL: url} if url else {},
                log=log,
            ),
            token=secrets[bundle.agent.gateway.token],
            secrets=secrets,
            redact=redact,
            log=log,
            clock=lambda: datetime.now(UTC),
            sweep_after_s=serving.sweep_after_s,
            serve_on_s=serving.serve_on_s,
            hurry=hurry,
            invocations_open=serving.invocations_open,
            fires_schedules=not serving.platform_schedules,
            has_idle_cpu=has_cpu_between_requests(serving.launcher),
        )
        async with gateway.serving(bind_tcp(serving.host, serving.port)) as port:
            log("listening", host=serving.host, port=port, agent=bundle.agent.name)
            await stop.wait()
    log("stopped")
    return 0


def runner_environment(
    environment: Mapping[str, str], surroundings: ContainerEnvironment, held: Iterable[str]
) -> dict[str, str]:
    """A runner's environment: this container's without its secrets, and the secrets that a run holds."""
    variables = {secret_variable(name) for name in held}
    clean = {k: v for k, v in environment.items() if not k.startswith(SECRETS) and k != "PORT"}
    return {**clean, **{name: value for name, value in surroundings.secrets.items() if name in variables}}
