"""`unmoor-agent run`: one run to its end, in a container of its own."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from . import layout
from .bundle import Unpacked, fetch_bundle
from .claim import NotClaimed, enqueue
from .config import Agent, Trigger
from .errors import ConfigurationFault
from .events import Finished, Notice, OverBudget, Refused, Started
from .guard.link import link_to
from .guard.way import Way
from .host import Host, Programs
from .life import live
from .logs import JsonLog
from .prompt import render, render_key
from .records import RunRecord
from .redact import redactor
from .stop import Stop
from .store import Store, open_store
from .surroundings import Surroundings, forget_secrets, read_surroundings
from .traces import wanted as wanted_traces

USAGE = "unmoor-agent run RUN_ID | run --trigger NAME [--delivery ID]"
# A stop is answered before the shortest grace of any platform, 10 s, is over: everything but the record's last word is
# written within this time.
STOP_GRACE_S, STOP_WITHIN_S = 2.0, 6.5
# Events that a container's log shows; the run's own events hold everything.
LOGGED = {t.type for t in (Started, Finished, Notice, Refused, OverBudget)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command asks for: a run by its id, or a new one of a trigger."""

    run: str = ""
    trigger: str = ""
    delivery: str = ""


def asked(arguments: Sequence[str]) -> Asked:
    """The command's arguments; ConfigurationFault for any others."""
    match list(arguments):
        case [run] if layout.RUN_ID.fullmatch(run):
            return Asked(run=run)
        case ["--trigger", trigger]:
            return Asked(trigger=trigger)
        case ["--trigger", trigger, "--delivery", delivery]:
            return Asked(trigger=trigger, delivery=delivery)
        case _:
            raise ConfigurationFault(f"run: {' '.join(arguments)!r} is no run; write {USAGE}")


def main(arguments: Sequence[str]) -> int:
    """0 if the run succeeded, or if there was nothing to do; 1 if it ended otherwise; 2 if it cannot be run here."""
    wanted = asked(arguments)
    surroundings = read_surroundings(os.environ)
    forget_secrets()
    return asyncio.run(_run(wanted, surroundings))


async def _run(wanted: Asked, surroundings: Surroundings) -> int:
    guard = link_to(surroundings.guard_url)
    async with guard.held():
        return await _guarded(wanted, surroundings, guard)


async def _guarded(wanted: Asked, surroundings: Surroundings, guard: Way) -> int:
    redact = redactor(surroundings.secrets)
    log = JsonLog(redact=redact)
    store = open_store(surroundings.store_url)
    bundle = await fetch_bundle(store, surroundings.bundle, surroundings.work_root / "bundle")
    run = wanted.run or await fire(store, bundle, wanted, now=datetime.now(UTC))
    if not run:
        log(f"{wanted.trigger}: this firing has started a run before", trigger=wanted.trigger)
        return 0
    stop = Stop()
    _stop_on_signals(stop)
    try:
        record = await live(run, _host(surroundings, guard, bundle, store, JsonLog(redact=redact, run=run)), stop)
    except NotClaimed as fault:
        log(str(fault), run=run)
        return 0
    return 0 if record.status == "succeeded" else 1


async def fire(store: Store, bundle: Unpacked, wanted: Asked, *, now: datetime) -> str:
    """A new run of a schedule, or nothing where this very firing has one already."""
    trigger = _trigger(bundle.agent, wanted.trigger)
    run = layout.run_id(now)
    if wanted.delivery:
        mark = layout.fired(trigger.name, wanted.delivery)
        if await store.create(mark, run.encode()) is None:
            # The first may have died between its mark and its run: then the run is made now, by that same id.
            before = await store.get(mark)
            run = before.content.decode() if before else run
    made = await enqueue(store, new_record(bundle, trigger, run=run, now=now, event={"scheduled": now.isoformat()}))
    return run if made else ""


def new_record(bundle: Unpacked, trigger: Trigger, *, run: str, now: datetime, event: dict[str, Any]) -> RunRecord:
    """A queued run that this trigger starts with what came."""
    agent = bundle.agent
    roots = {
        "event": event,
        "trigger": {"name": trigger.name, "kind": trigger.kind},
        "agent": {"name": agent.name, "environment": agent.environment},
    }
    return RunRecord(
        id=run,
        agent=agent.name,
        environment=agent.environment,
        bundle=bundle.sha256,
        status="queued",
        trigger=trigger.name,
        kind=trigger.kind,
        prompt=render(trigger.prompt, roots, nonce=secrets.token_hex(8)),
        session=render_key(agent.run.session or "", roots),
        harness=agent.harness.name,
        harness_version=agent.harness.version,
        provider=agent.model.provider if agent.model else "",
        model=agent.model.name if agent.model else "",
        created_at=now,
    )


def _trigger(agent: Agent, name: str) -> Trigger:
    for trigger in agent.triggers:
        if trigger.name == name:
            return trigger
    raise ConfigurationFault(f"run: the agent has no trigger {name!r}; deploy again")


def _host(surroundings: Surroundings, guard: Way, bundle: Unpacked, store: Store, log: JsonLog) -> Host:
    def logged(event: dict[str, Any]) -> None:
        if event["type"] in LOGGED:
            log(event["type"], **{k: v for k, v in event.items() if k not in ("type", "raw", "at")})

    return Host(
        store=store,
        bundle=bundle,
        secrets=_by_name(surroundings),
        way=guard,
        work_root=surroundings.work_root,
        in_an_image=True,
        programs=Programs(folders=()),
        owner=f"{socket.gethostname()}-{secrets.token_hex(4)}",
        watch=logged,
        traced=wanted_traces(os.environ),
    )


def _by_name(surroundings: Surroundings) -> dict[str, str]:
    """The secrets by the names that the spec has for them."""
    return {
        variable.removeprefix("UNMOOR_SECRET_").lower().replace("_", "-"): value
        for variable, value in surroundings.secrets.items()
    }


def _stop_on_signals(stop: Stop) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: stop.now("stopped", grace_s=STOP_GRACE_S, within_s=STOP_WITHIN_S))
