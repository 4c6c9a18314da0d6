"""`unmoor-agent run`: one run to its end, in a container of its own."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unmoor.container import secret_name_from_variable
from unmoor.runtime.config import AgentConfig, Trigger
from unmoor.runtime.environment import ContainerEnvironment, read_environment, scrub_secrets
from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.events import BudgetExceeded, Finished, NetworkDenied, Notice, Started
from unmoor.runtime.guard.transport.link_client import connect_guard
from unmoor.runtime.guard.transport.types import ConnectionHandler
from unmoor.runtime.harness.installed import HarnessInstallation, harness_installation_from_env
from unmoor.runtime.logs import JsonLog
from unmoor.runtime.redact import Redact, redactor
from unmoor.runtime.state import keys
from unmoor.runtime.state.bundle import UnpackedBundle, fetch_bundle
from unmoor.runtime.state.dedup import claim_dedup_key
from unmoor.runtime.state.new_run import run_from_trigger
from unmoor.runtime.state.run_record import create_run_record
from unmoor.runtime.store import Store, open_store

from .context import RunContext
from .file_tree import remove_tree
from .lease import LeaseLost
from .lifecycle import execute_run
from .retry import retry_transient
from .stop import Stop
from .traces import tracing_enabled as wanted_traces
from .wake_gateway import HURRIED_S, WITHIN_S, wake_gateway

USAGE = "unmoor-agent run RUN_ID | run --trigger NAME [--delivery ID]"
# A stop is answered before the shortest grace of any platform, 10 s, is over: everything but the record's last word is
# written within this time.
STOP_GRACE_S, STOP_WITHIN_S = 2.0, 6.5
PAUSE_S = 0.25
# Events that a container's log shows; the run's own events hold everything.
LOGGED = {t.type for t in (Started, Finished, Notice, NetworkDenied, BudgetExceeded)}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunArguments:
    """What the command asks for: a run by its id, or a new one of a trigger."""

    run: str = ""
    trigger: str = ""
    delivery: str = ""


def parse_arguments(arguments: Sequence[str]) -> RunArguments:
    """The command's arguments; ConfigurationFault for any others."""
    match list(arguments):
        case [run] if keys.RUN_ID.fullmatch(run):
            return RunArguments(run=run)
        case ["--trigger", trigger]:
            return RunArguments(trigger=trigger)
        case ["--trigger", trigger, "--delivery", delivery]:
            return RunArguments(trigger=trigger, delivery=delivery)
        case _:
            raise ConfigurationError(f"run: {' '.join(arguments)!r} is no run; write {USAGE}")


def main(arguments: Sequence[str]) -> int:
    """0 if the run succeeded, or if there was nothing to do; 1 if it ended otherwise; 2 if it cannot be run here."""
    wanted = parse_arguments(arguments)
    surroundings = read_environment(os.environ)
    scrub_secrets()
    return asyncio.run(_run(wanted, surroundings))


async def _run(wanted: RunArguments, surroundings: ContainerEnvironment) -> int:
    guard = connect_guard(surroundings.guard_url)
    async with guard.keep_alive():
        return await _guarded(wanted, surroundings, guard)


async def _guarded(wanted: RunArguments, surroundings: ContainerEnvironment, guard: ConnectionHandler) -> int:
    redact = redactor(_by_name(surroundings))
    store = open_store(surroundings.store_url)
    # A folder of its own: a container that is started again finds what the one before it left.
    folder = Path(tempfile.mkdtemp(prefix="bundle-", dir=_made(surroundings.work_root)))
    try:
        bundle = await retry_transient(
            lambda: fetch_bundle(store, surroundings.bundle, folder / "files"), pause_s=PAUSE_S
        )
        run = wanted.run or await create_scheduled_run(store, bundle, wanted, now=datetime.now(UTC), redact=redact)
        return await _lived(run, surroundings, guard, bundle, store, JsonLog(redact=redact, run=run))
    finally:
        await asyncio.to_thread(remove_tree, folder)


async def _lived(
    run: str,
    surroundings: ContainerEnvironment,
    guard: ConnectionHandler,
    bundle: UnpackedBundle,
    store: Store,
    log: JsonLog,
) -> int:
    stop = Stop()
    _stop_on_signals(stop)
    try:
        record = await execute_run(run, _host(surroundings, guard, bundle, store, log), stop)
    except LeaseLost as fault:
        log(str(fault))
        return 0
    within_s = HURRIED_S if stop.hurried.is_set() else WITHIN_S
    await wake_gateway(surroundings.gateway_url, store, run, within_s=within_s, log=log)
    return 0 if record.status == "succeeded" else 1


async def create_scheduled_run(
    store: Store, bundle: UnpackedBundle, wanted: RunArguments, *, now: datetime, redact: Redact
) -> str:
    """The run of a schedule's firing. However often it is delivered, it has one run, which is made if it is not there,
    since who was told first may have died before; whoever claims it runs it."""
    trigger = _trigger(bundle.agent, wanted.trigger)
    run = keys.run_id(now)
    if wanted.delivery:
        run = await retry_transient(
            lambda: claim_dedup_key(store, keys.schedule_dedup_key(trigger.name, wanted.delivery), run),
            pause_s=PAUSE_S,
        )
    event = {"scheduled": now.isoformat()}
    record = run_from_trigger(bundle, trigger, run=run, delivery=wanted.delivery, now=now, event=event, redact=redact)
    await retry_transient(lambda: create_run_record(store, record), pause_s=PAUSE_S)
    return run


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _trigger(agent: AgentConfig, name: str) -> Trigger:
    for trigger in agent.triggers:
        if trigger.name == name:
            return trigger
    raise ConfigurationError(f"run: the agent has no trigger {name!r}; deploy again")


def _host(
    surroundings: ContainerEnvironment, guard: ConnectionHandler, bundle: UnpackedBundle, store: Store, log: JsonLog
) -> RunContext:
    def log_event(event: dict[str, Any]) -> None:
        if event["type"] in LOGGED:
            log(event["type"], **{k: v for k, v in event.items() if k not in ("type", "raw", "at")})

    outside = harness_installation_from_env(os.environ)
    return RunContext(
        store=store,
        bundle=bundle,
        secrets=_by_name(surroundings),
        way=guard,
        work_root=surroundings.work_root,
        in_an_image=outside is None,
        programs=outside or HarnessInstallation(folders=()),
        owner=f"{socket.gethostname()}-{secrets.token_hex(4)}",
        watch=log_event,
        traced=wanted_traces(os.environ),
    )


def _by_name(surroundings: ContainerEnvironment) -> dict[str, str]:
    """The secrets by the names that the spec has for them."""
    return {secret_name_from_variable(variable): value for variable, value in surroundings.secrets.items()}


def _stop_on_signals(stop: Stop) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: stop.request("stopped", grace_s=STOP_GRACE_S, within_s=STOP_WITHIN_S))
