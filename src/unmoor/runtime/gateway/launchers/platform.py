"""The launcher for runs in containers of a platform, which outlive the gateway.

A platform accepts a start and may take minutes to carry it out; meanwhile the run is not started again. The launcher
polls for what became of it, because no platform reports it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from unmoor.runtime.errors import TransientError
from unmoor.runtime.logs import Log, log_errors, null_log
from unmoor.runtime.state import keys

from .protocol import OnExit, RunnerExit

LOOK_S = 10.0
# A platform may list a new container late, and start it later still.
MISSING_S, LATE_S = 120.0, 900.0
GONE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A platform's container, task or execution for a run. `up`: it has started; `no_capacity`: it ended without
    starting, because the platform had no capacity."""

    run: str
    handle: str
    up: bool = True
    ended: bool = False
    code: int = 0
    detail: str = ""
    no_capacity: bool = False


async def find_active(platform: Platform, run: str) -> str:
    """The handle of the run's active execution, empty where it has none."""
    active = [e for e in await platform.list_executions(frozenset()) if e.run == run and not e.ended]
    return active[0].handle if active else ""


async def access_token(cloud: str, get: Callable[[], str]) -> str:
    """A token, fetched in a thread; TransientError for any error of the cloud's library and its HTTP library."""
    try:
        return await asyncio.to_thread(get)
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        raise TransientError(f"{cloud} gave the gateway no token: {type(error).__name__}: {text}") from error


class Platform(Protocol):
    """A platform that starts containers of one definition."""

    async def start(self, run: str) -> str:
        """Starts the run and returns the handle, or that of a start in progress, where the platform can tell."""
        ...

    async def stop(self, handle: str) -> None:
        """Asks the container to end; does nothing where it has ended or does not exist."""
        ...

    async def list_executions(self, handles: frozenset[str]) -> list[Execution]:
        """All active executions, and those of these handles that the platform still knows."""
        ...

    async def close(self) -> None:
        """Closes connections; runs continue."""
        ...


@dataclass(slots=True)
class _Start:
    since: float
    handle: str = ""
    started: bool = False
    late: bool = False


@dataclass(slots=True, kw_only=True)
class PlatformLauncher:
    """Starts runs on a platform and follows them. `longest_s` is the longest that a run may take with its start."""

    platform: Platform
    log: Log = null_log
    on_exit: OnExit = lambda exited: None
    longest_s: float = float("inf")
    look_s: float = LOOK_S
    clock: Callable[[], float] = time.monotonic
    _starts: dict[str, _Start] = field(default_factory=dict[str, _Start])
    _adopted: bool = False

    async def start(self, run: str) -> None:
        if run in self._starts:
            return
        begun = self._starts[run] = _Start(self.clock())  # a second start meanwhile finds it
        try:
            begun.handle = await self.platform.start(run)
            begun.started = True
        except BaseException:
            del self._starts[run]
            raise

    async def stop(self, run: str) -> None:
        begun = self._starts.get(run)
        if begun is not None and begun.handle:
            return await self.platform.stop(begun.handle)
        for execution in await self.platform.list_executions(frozenset()):
            if execution.run == run and not execution.ended:
                await self.platform.stop(execution.handle)

    async def cancel(self, run: str) -> None:
        await self.stop(run)

    def running(self) -> frozenset[str]:
        return frozenset(self._starts)

    async def watch(self, on_exit: OnExit) -> None:
        self.on_exit = on_exit
        while True:
            await log_errors(self.reconcile, "polling the platform", log=self.log)
            await asyncio.sleep(self.look_s)

    async def reconcile(self) -> None:
        """Polls the platform once; until it succeeds, it also adopts executions that are active already."""
        if not self._adopted:
            await log_errors(self._adopt, "listing the platform's runs", log=self.log)
        before = {run: begun for run, begun in self._starts.items() if begun.started}
        if not before:
            return
        found = await self.platform.list_executions(frozenset(b.handle for b in before.values() if b.handle))
        by_run = _by_run(found)
        for run, begun in before.items():
            await self._judge(run, begun, by_run.get(run, []))

    async def close(self) -> None:
        await self.platform.close()

    async def _adopt(self) -> None:
        by_run = _by_run(await self.platform.list_executions(frozenset()))
        self._adopted = True
        for run, executions in by_run.items():
            active = [e for e in executions if not e.ended]
            if active and run not in self._starts:
                self._starts[run] = _Start(self.clock(), active[0].handle, started=True)

    async def _judge(self, run: str, begun: _Start, executions: list[Execution]) -> None:
        active = [e for e in executions if not e.ended]
        elapsed = self.clock() - begun.since
        if active:
            late = elapsed > (self.longest_s if any(e.up for e in active) else LATE_S)
            if late and not begun.late:
                begun.late = True
                self.log(
                    "runner exceeded its time limit; stopping it", level="warning", run=run, seconds=round(elapsed)
                )
                for execution in active:
                    await self.platform.stop(execution.handle)
        elif executions:
            last = next((e for e in executions if e.handle == begun.handle), executions[0])
            self._report_exit(
                run, RunnerExit(run=run, code=last.code, detail=last.detail, no_capacity=last.no_capacity)
            )
        elif elapsed > MISSING_S:
            self._report_exit(run, RunnerExit(run=run, code=GONE, detail="the platform no longer knows its container"))

    def _report_exit(self, run: str, exited: RunnerExit) -> None:
        del self._starts[run]
        self.on_exit(exited)


def run_id_of_container(containers: Iterable[Mapping[str, Any]], name: str) -> str:
    """The run in the arguments of the container with this name, empty where they are others."""
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
