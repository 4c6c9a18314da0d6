"""Attempts to start runners: when to try again, when to give up, and when to stop a runner that hangs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from unmoor.runtime.backoff import Backoff
from unmoor.runtime.errors import TransientError, UnmoorRuntimeError
from unmoor.runtime.gateway.launchers.protocol import Launcher, RunnerExit
from unmoor.runtime.logs import Log

# The limit of starts whose runners exit without taking the run, and of starts that the platform refuses. The latter
# take about ten minutes, because new role assignments take that long to apply.
# https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#symptom---role-assignment-changes-are-not-being-detected
STARTS, REJECTIONS = 3, 14
BACKOFF = Backoff(first_s=2.0, cap_s=60.0)
# A runner is stopped this long after its lease has expired: it hangs, or cannot reach the store.
HUNG_S = 60.0


@dataclass(slots=True)
class StartBackoff:
    """A run's start attempts. Unavailability is retried without limit, at growing intervals."""

    crashes: int = 0
    rejections: int = 0
    failures: int = 0
    not_before: float = 0.0
    reason: str = ""

    @property
    def is_exhausted(self) -> bool:
        return self.crashes >= STARTS or self.rejections >= REJECTIONS

    def record_crash(self, reason: str) -> None:
        """A runner started and did not take its run."""
        self.crashes += 1
        self.reason = reason

    def record_rejection(self, reason: str, *, now: float) -> None:
        """The platform refused the start."""
        self.rejections += 1
        self.record_unavailable(reason, now=now)

    def record_unavailable(self, reason: str, *, now: float) -> None:
        """The platform has no capacity, or does not respond."""
        self.reason = reason
        self.failures += 1
        self.not_before = now + BACKOFF.pause_s(self.failures)


@dataclass(slots=True, kw_only=True)
class RunnerStarts:
    """The start attempts of this gateway's runs that have not ended."""

    launcher: Launcher
    log: Log
    ticks: Callable[[], float] = time.monotonic
    _attempts: dict[str, StartBackoff] = field(default_factory=dict[str, StartBackoff])
    _expired_since: dict[str, float] = field(default_factory=dict[str, float])

    async def start(self, runs: Sequence[str]) -> None:
        """Starts the runs that are due, all at once: a platform may take seconds for each."""
        await asyncio.gather(*(self._start(run) for run in runs))

    async def stop(self, run: str) -> None:
        try:
            await self.launcher.stop(run)
        except UnmoorRuntimeError as fault:
            self.log(str(fault), level="error", run=run)

    async def cancel(self, run: str) -> None:
        try:
            await self.launcher.cancel(run)
        except UnmoorRuntimeError as fault:
            self.log(f"the run hears of its cancellation later: {fault}", level="error", run=run)

    def start_in(self, run: str) -> float:
        """Seconds until the run may be started again; 0 if it may be started now."""
        attempts = self._attempts.get(run)
        return max(0.0, attempts.not_before - self.ticks()) if attempts else 0.0

    async def stop_hung(self, expired: Collection[str]) -> None:
        """Stops runners whose leases have been expired for HUNG_S."""
        now = self.ticks()
        self._expired_since = {run: self._expired_since.get(run, now) for run in expired}
        for run in [run for run, since in self._expired_since.items() if now - since > HUNG_S]:
            self.log("runner hangs; stopping it", level="warning", run=run)
            await self.stop(run)
            self._expired_since[run] = now

    def on_exit(self, exited: RunnerExit) -> None:
        """Records a runner's exit, which matters only if its run must be started again."""
        attempts, reason = self._attempts_of(exited.run), exited.detail or f"exit code {exited.code}"
        if exited.no_capacity:
            attempts.record_unavailable(reason, now=self.ticks())
        elif exited.code != 0:
            attempts.record_crash(reason)
        else:
            attempts.record_rejection("it exited without taking its run", now=self.ticks())

    def failure_reason(self, run: str) -> str:
        """Why the run is no longer started, empty while it is."""
        attempts = self._attempts.get(run)
        return attempts.reason if attempts is not None and attempts.is_exhausted else ""

    def forget(self, run: str) -> None:
        """Forgets a run that has ended, or is queued again."""
        self._attempts.pop(run, None)

    async def _start(self, run: str) -> None:
        attempts = self._attempts_of(run)
        if attempts.not_before > self.ticks():
            return
        try:
            await self.launcher.start(run)
        except TransientError as fault:
            attempts.record_unavailable(str(fault), now=self.ticks())
            self.log(str(fault), level="error", run=run)
        except UnmoorRuntimeError as fault:
            attempts.record_rejection(str(fault), now=self.ticks())
            self.log(str(fault), level="error", run=run)
        else:
            self.log("run started", run=run)

    def _attempts_of(self, run: str) -> StartBackoff:
        return self._attempts.setdefault(run, StartBackoff())
