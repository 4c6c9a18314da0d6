"""Starts of runners: when one is tried, what became of it, and what is done about runners that hang."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from unmoor.runtime.backoff import Backoff
from unmoor.runtime.errors import TransientError, UnmoorRuntimeError
from unmoor.runtime.gateway.launchers.protocol import Launcher, RunnerExit
from unmoor.runtime.logs import Log

# A runner that ends without having taken its run is started this often. A start that the platform refuses is tried for
# about ten minutes: rights that were just granted take that long to be known everywhere.
# https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#symptom---role-assignment-changes-are-not-being-detected
STARTS, REFUSALS = 3, 14
BACKOFF = Backoff(first_s=2.0, cap_s=60.0)
# A runner whose lease has run out for this long is stopped: it hangs, or has lost the store.
HUNG_S = 60.0


@dataclass(slots=True)
class StartBackoff:
    """A run's starts so far. What the platform cannot do just now is tried without end, less and less often."""

    ended: int = 0
    refused: int = 0
    in_vain: int = 0
    not_before: float = 0.0
    said: str = ""

    @property
    def exhausted(self) -> bool:
        """Whether it is given up."""
        return self.ended >= STARTS or self.refused >= REFUSALS

    def record_crash(self, said: str) -> None:
        """A runner was there, and did not take its run."""
        self.ended += 1
        self.said = said

    def record_rejection(self, said: str, *, now: float) -> None:
        """The platform said no."""
        self.refused += 1
        self.record_unavailable(said, now=now)

    def record_unavailable(self, said: str, *, now: float) -> None:
        """There is no room, or nobody answers."""
        self.said = said
        self.in_vain += 1
        self.not_before = now + BACKOFF.pause_s(self.in_vain)


@dataclass(slots=True, kw_only=True)
class RunnerStarts:
    """What this gateway knows of the starts of runs that have not ended."""

    launcher: Launcher
    log: Log
    ticks: Callable[[], float] = time.monotonic
    _tries: dict[str, StartBackoff] = field(default_factory=dict[str, StartBackoff])
    _silent_since: dict[str, float] = field(default_factory=dict[str, float])

    async def start(self, runs: Sequence[str]) -> None:
        """Starts those whose time it is, all at once: a platform may take seconds for each."""
        await asyncio.gather(*(self._start(run) for run in runs))

    async def stop(self, run: str) -> None:
        """Has a run's runner end, where it can be told."""
        try:
            await self.launcher.stop(run)
        except UnmoorRuntimeError as fault:
            self.log(str(fault), level="error", run=run)

    async def stop_hung(self, silent: Collection[str]) -> None:
        """Stops runners that are there and have shown no sign of life for a while, though they hold their runs."""
        now = self.ticks()
        self._silent_since = {run: self._silent_since.get(run, now) for run in silent}
        for run in [run for run, since in self._silent_since.items() if now - since > HUNG_S]:
            self.log("a runner hangs and is stopped", level="warning", run=run)
            await self.stop(run)
            self._silent_since[run] = now

    def on_exit(self, exited: RunnerExit) -> None:
        """A runner has ended; that counts for nothing where the run was run, since it is not started again."""
        tries, said = self._of(exited.run), exited.said or f"exit code {exited.code}"
        if exited.waits:
            tries.record_unavailable(said, now=self.ticks())
        elif exited.code != 0:
            tries.record_crash(said)
        else:
            tries.record_rejection("it ended without having taken its run", now=self.ticks())

    def gave_up(self, run: str) -> str:
        """Why the run is not tried any more; empty where it is."""
        tries = self._tries.get(run)
        return tries.said if tries is not None and tries.exhausted else ""

    def forget(self, run: str) -> None:
        """The run has ended, or begins anew."""
        self._tries.pop(run, None)

    async def _start(self, run: str) -> None:
        tries = self._of(run)
        if tries.not_before > self.ticks():
            return
        try:
            await self.launcher.start(run)
        except TransientError as fault:
            tries.record_unavailable(str(fault), now=self.ticks())
            self.log(str(fault), level="error", run=run)
        except UnmoorRuntimeError as fault:
            tries.record_rejection(str(fault), now=self.ticks())
            self.log(str(fault), level="error", run=run)
        else:
            self.log("run started", run=run)

    def _of(self, run: str) -> StartBackoff:
        return self._tries.setdefault(run, StartBackoff())
