"""Runs in containers that a platform starts, and that go on when the gateway ends.

A platform answers for a start that it will be done, and may take a minute or two: meanwhile the run is on its way, and
is not started again. What became of it is asked for in turns, since no platform says it by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from unmoor.runtime.logs import Log, log_errors, null_log
from unmoor.runtime.state import keys

from .protocol import RunnerExit, Told

LOOK_S = 10.0
# A platform may need a moment to list what it has just started, and a while to start it.
MISSING_S, LATE_S = 120.0, 900.0
GONE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A platform's container, task or execution for a run: its handle, whether it is up, and whether and how it ended.
    `waits` where it ended without having begun, for want of room."""

    run: str
    handle: str
    up: bool = True
    ended: bool = False
    code: int = 0
    said: str = ""
    waits: bool = False


class Platform(Protocol):
    """What starts containers of the run's one definition."""

    async def start(self, run: str) -> str:
        """Has the run started and gives the handle; of one that is on its way already, where the platform can tell."""
        ...

    async def stop(self, handle: str) -> None:
        """Asks it to end; nothing where it has ended or is not there."""
        ...

    async def list_executions(self, handles: frozenset[str]) -> list[Execution]:
        """All that go on, and those of these handles that the platform still knows."""
        ...

    async def close(self) -> None:
        """Lets go of what it holds; runs go on."""
        ...


@dataclass(slots=True)
class _Begun:
    since: float
    handle: str = ""
    started: bool = False
    late: bool = False


@dataclass(slots=True, kw_only=True)
class PlatformLauncher:
    """Starts and follows runs on a platform. `longest_s` is what no run may take, its start included."""

    platform: Platform
    log: Log = null_log
    on_exit: Told = lambda exited: None
    longest_s: float = float("inf")
    look_s: float = LOOK_S
    clock: Callable[[], float] = time.monotonic
    _begun: dict[str, _Begun] = field(default_factory=dict[str, _Begun])
    _adopted: bool = False

    async def start(self, run: str) -> None:
        if run in self._begun:
            return
        begun = self._begun[run] = _Begun(self.clock())  # so that a second start meanwhile finds it
        try:
            begun.handle = await self.platform.start(run)
            begun.started = True
        except BaseException:
            del self._begun[run]
            raise

    async def stop(self, run: str) -> None:
        begun = self._begun.get(run)
        if begun is not None and begun.handle:
            return await self.platform.stop(begun.handle)
        for execution in await self.platform.list_executions(frozenset()):
            if execution.run == run and not execution.ended:
                await self.platform.stop(execution.handle)

    def running(self) -> frozenset[str]:
        return frozenset(self._begun)

    async def watch(self) -> None:
        while True:
            await log_errors(self.reconcile, "a look at the platform", log=self.log)
            await asyncio.sleep(self.look_s)

    async def reconcile(self) -> None:
        """Asks the platform once, if there is anything to ask: the first time, what goes on already."""
        before = {run: begun for run, begun in self._begun.items() if begun.started}
        if not before and self._adopted:
            return
        found = await self.platform.list_executions(frozenset(b.handle for b in before.values() if b.handle))
        by_run = _by_run(found)
        for run, begun in before.items():
            await self._judge(run, begun, by_run.get(run, []))
        if not self._adopted:
            self._adopt(by_run)

    async def close(self) -> None:
        await self.platform.close()

    def _adopt(self, by_run: Mapping[str, list[Execution]]) -> None:
        self._adopted = True
        for run, executions in by_run.items():
            going_on = [e for e in executions if not e.ended]
            if going_on and run not in self._begun:
                self._begun[run] = _Begun(self.clock(), going_on[0].handle, started=True)

    async def _judge(self, run: str, begun: _Begun, executions: list[Execution]) -> None:
        going_on = [e for e in executions if not e.ended]
        taken = self.clock() - begun.since
        if going_on:
            late = taken > (self.longest_s if any(e.up for e in going_on) else LATE_S)
            if late and not begun.late:
                begun.late = True
                self.log("a runner takes too long and is stopped", level="warning", run=run, seconds=round(taken))
                for execution in going_on:
                    await self.platform.stop(execution.handle)
        elif executions:
            last = next((e for e in executions if e.handle == begun.handle), executions[0])
            self._ended(run, RunnerExit(run=run, code=last.code, said=last.said, waits=last.waits))
        elif taken > MISSING_S:
            self._ended(
                run, RunnerExit(run=run, code=GONE, said="the platform knows nothing of its container any more")
            )

    def _ended(self, run: str, exited: RunnerExit) -> None:
        del self._begun[run]
        self.on_exit(exited)


def run_id_of_container(containers: Iterable[Mapping[str, Any]], name: str) -> str:
    """The run that the container of that name is told to run; empty where it is told another thing."""
    for container in containers:
        args = container.get("args") or []
        if container.get("name") == name and len(args) == 2 and args[0] == "run" and keys.RUN_ID.fullmatch(args[1]):
            return str(args[1])
    return ""


def _by_run(executions: Iterable[Execution]) -> dict[str, list[Execution]]:
    found: dict[str, list[Execution]] = {}
    for execution in executions:
        found.setdefault(execution.run, []).append(execution)
    return found
