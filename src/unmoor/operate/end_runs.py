"""Ends an agent's runs before it is taken down: a run whose store, network or role is gone cannot record its end."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable, Sequence

from unmoor.container import READY_PATH

from .agent import AgentClient, iter_runs
from .errors import NoSuchRun, OperateError
from .gateway_agent import GatewayAgent

ACTIVE = ("queued", "running")
# How many of the newest runs to search for active ones.
SEARCHED = 1000
# A cancelled run ends within seconds; its container may start late.
PATIENCE_S, PAUSE_S = 90.0, 2.0


def active_runs(agent: GatewayAgent) -> list[str]:
    """The runs that are queued or running; OperateError if the gateway does not answer."""
    agent.http.request("GET", READY_PATH, again=False, with_token=False)  # fails at once if nothing answers
    newest = itertools.islice(iter_runs(agent), SEARCHED)
    return [run["id"] for run in newest if run["status"] in ACTIVE]


def end_runs(
    agent: AgentClient,
    runs: Sequence[str],
    *,
    sleep: Callable[[float], None] = time.sleep,
    ticks: Callable[[], float] = time.monotonic,
) -> None:
    """Cancel the runs and wait until they have ended; OperateError with those that have not."""
    for run in runs:
        with contextlib.suppress(NoSuchRun):
            agent.cancel(run)
    until = ticks() + PATIENCE_S
    while left := [run for run in runs if _is_active(agent, run)]:
        if ticks() >= until:
            rule = f"{len(left)} cancelled runs have not ended after {PATIENCE_S:.0f} s: {', '.join(left[:5])}"
            raise OperateError(f"{rule}; nothing was taken down: run unmoor down again once they have ended")
        sleep(PAUSE_S)


def _is_active(agent: AgentClient, run: str) -> bool:
    try:
        return agent.run(run)["status"] in ACTIVE
    except NoSuchRun:
        return False
