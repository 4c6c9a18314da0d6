"""`unmoor-agent run`: one run to its end, in a container of its own."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unmoor.container import GUARD_RUNS, ONE_RUN, RUN_TOKEN_KEY, secret_name_from_variable, secret_variable
from unmoor.runtime.environment import ContainerEnvironment, read_environment, scrub_secrets
from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.events import BudgetExceeded, Finished, NetworkDenied, Notice, Started
from unmoor.runtime.guard.transport.link_client import connect_guard
from unmoor.runtime.guard.transport.types import ConnectionHandler, new_token
from unmoor.runtime.harness.installed import HarnessInstallation, harness_installation_from_env
from unmoor.runtime.logs import JsonLog
from unmoor.runtime.redact import Redact, redactor
from unmoor.runtime.state import keys
from unmoor.runtime.state.bundle import UnpackedBundle, fetch_bundle
from unmoor.runtime.state.dedup import claim_dedup_key
from unmoor.runtime.state.new_run import run_from_trigger
from unmoor.runtime.state.run_record import create_run_record
from unmoor.runtime.store import Store, open_store

from .context import RunContext, timeouts_for
from .file_tree import remove_tree
from .lease import LeaseLost
from .lifecycle import execute_run
from .retry import retry_transient
from .stop import Stop
from .stop_signals import stop_on_signals, stop_time_s
from .traces import tracing_enabled
from .wake_gateway import HURRIED_S, WITHIN_S, wake_gateway

USAGE = "unmoor-agent run RUN_ID | run --trigger NAME [--delivery ID]"
PAUSE_S = 0.25
# The events in a container's log; the store has all of them.
LOGGED = {t.type for t in (Started, Finished, Notice, NetworkDenied, BudgetExceeded)}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunArguments:
    """The command's arguments: a run's id, or a trigger whose run is created."""

    run: str = ""
    trigger: str = ""
    delivery: str = ""


def parse_arguments(arguments: Sequence[str]) -> RunArguments:
    """Parses the arguments; ConfigurationError if they are invalid."""
    match list(arguments):
        case [run] if keys.RUN_ID.fullmatch(run):
            return RunArguments(run=run)
        case ["--trigger", trigger]:
            return RunArguments(trigger=trigger)
        case ["--trigger", trigger, "--delivery", delivery]:
            return RunArguments(trigger=trigger, delivery=delivery)
        case _:
            raise ConfigurationError(f"run: {' '.join(arguments)!r} is not a valid run; write {USAGE}")


def main(arguments: Sequence[str]) -> int:
    """0 if the run succeeded or needs no runner, 1 if it ended otherwise, 2 if it cannot be executed here."""
    parsed = parse_arguments(arguments)
    environment = read_environment(os.environ)
    scrub_secrets()
    return asyncio.run(_run(parsed, environment))


async def _run(arguments: RunArguments, environment: ContainerEnvironment) -> int:
    key = environment.secrets.get(secret_variable(RUN_TOKEN_KEY), "") or new_token()
    guard = connect_guard(environment.guard_url, key=key)
    store = open_store(environment.store_url)
    redact = redactor(_secrets_by_name(environment))
    environment.work_root.mkdir(parents=True, exist_ok=True)
    # A new folder: a restarted container finds the files of the previous one.
    folder = Path(tempfile.mkdtemp(prefix="bundle-", dir=environment.work_root))
    async with guard.keep_alive() as until_held:
        try:
            bundle = await retry_transient(
                lambda: fetch_bundle(store, environment.bundle, folder / "files"), pause_s=PAUSE_S
            )
            run = arguments.run or await create_scheduled_run(
                store, bundle, arguments, now=datetime.now(UTC), redact=redact
            )
            log = JsonLog(redact=redact, run=run)
            held = {**_secrets_by_name(environment), RUN_TOKEN_KEY: key}
            context = _run_context(environment, held, guard, bundle, store, log, is_launched=bool(arguments.run))
            if os.environ.get(GUARD_RUNS) == ONE_RUN:
                # Before a harness starts: whoever holds the guard first decides whose tokens it takes.
                try:
                    await until_held()
                except OSError as error:
                    log("the guard is not held", level="error", reason=error.strerror or str(error))
            return await _execute(run, context, environment, log)
        finally:
            await asyncio.to_thread(remove_tree, folder)


async def _execute(run: str, context: RunContext, environment: ContainerEnvironment, log: JsonLog) -> int:
    stop = Stop()
    stop_on_signals(stop, within_s=stop_time_s(os.environ))
    try:
        record = await execute_run(run, context, stop)
    except LeaseLost as error:
        log(str(error))
        return 0
    within_s = HURRIED_S if stop.hurried.is_set() else WITHIN_S
    await wake_gateway(environment.gateway_url, context.store, run, within_s=within_s, log=log)
    return 0 if record.status == "succeeded" else 1


async def create_scheduled_run(
    store: Store, bundle: UnpackedBundle, arguments: RunArguments, *, now: datetime, redact: Redact
) -> str:
    """Idempotently creates the run for a schedule's fire time. Any delivery may create it; the lease decides which
    runner executes it."""
    trigger = next((each for each in bundle.agent.triggers if each.name == arguments.trigger), None)
    if trigger is None:
        raise ConfigurationError(f"run: the agent has no trigger {arguments.trigger!r}; deploy again")
    run, delivery = keys.run_id(now), arguments.delivery
    if delivery:
        key = keys.schedule_dedup_key(trigger.name, delivery)
        run = await retry_transient(lambda: claim_dedup_key(store, key, run), pause_s=PAUSE_S)
    event = {"scheduled": now.isoformat()}
    record = run_from_trigger(bundle, trigger, run=run, delivery=delivery, now=now, event=event, redact=redact)
    await retry_transient(lambda: create_run_record(store, record), pause_s=PAUSE_S)
    return run


def _run_context(
    environment: ContainerEnvironment,
    held: Mapping[str, str],
    guard: ConnectionHandler,
    bundle: UnpackedBundle,
    store: Store,
    log: JsonLog,
    *,
    is_launched: bool,
) -> RunContext:
    def log_event(event: dict[str, Any]) -> None:
        if event["type"] in LOGGED:
            log(event["type"], **{k: v for k, v in event.items() if k not in ("type", "raw", "at")})

    outside = harness_installation_from_env(os.environ)
    return RunContext(
        store=store,
        bundle=bundle,
        secrets=held,
        guard=guard,
        work_root=environment.work_root,
        in_image=outside is None,
        programs=outside or HarnessInstallation(folders=()),
        owner=f"{socket.gethostname()}-{secrets.token_hex(4)}",
        watch=log_event,
        traced=tracing_enabled(os.environ),
        timeouts=timeouts_for(store, is_launched=is_launched),
    )


def _secrets_by_name(environment: ContainerEnvironment) -> dict[str, str]:
    """The secrets by the spec's names."""
    return {secret_name_from_variable(variable): value for variable, value in environment.secrets.items()}
