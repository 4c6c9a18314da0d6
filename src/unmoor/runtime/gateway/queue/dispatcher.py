"""Dispatches the queue: starts runs that may start, and settles those whose runners are lost."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from unmoor.runtime.clock import Clock
from unmoor.runtime.gateway.launchers.protocol import Launcher, RunnerExit
from unmoor.runtime.logs import Log, log_errors
from unmoor.runtime.state import keys
from unmoor.runtime.state.finish import append_finished_event, finish_unowned, recover_expired, request_cancel
from unmoor.runtime.state.queue_entry import enqueue_run
from unmoor.runtime.state.run_record import Lease, RunRecord, is_expired
from unmoor.runtime.store import Store
from unmoor.runtime.waiting import wait_event

from .coalesce import CoalescedCall
from .decide import Decision, decide, is_full
from .look_times import BUSY_S, IDLE_S, look_times
from .silent_runners import SilentRunners
from .start_attempts import RunnerStarts
from .view import QueueView

# A request that accepts a run may take so long to start it: a frozen gateway would start it with the next request.
START_S = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    max_concurrent: int
    skip_when_busy: bool
    retries: int


@dataclass(slots=True, kw_only=True)
class Dispatcher:
    """The queue of one agent as this gateway sees it; any number of gateways may share a store.

    `starts_in_request`: the gateway has no CPU between requests, so the request that accepts a run also starts it.
    """

    store: Store
    launcher: Launcher
    starts: RunnerStarts
    limits: QueueLimits
    clock: Clock
    log: Log
    _end_listeners: list[Callable[[RunRecord], None]] = field(default_factory=list[Callable[[RunRecord], None]])
    busy_s: float = BUSY_S
    idle_s: float = IDLE_S
    starts_in_request: bool = False
    ticks: Callable[[], float] = time.monotonic
    reached: bool = False
    view: QueueView = field(init=False)
    _silent: SilentRunners = field(init=False)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _look_now: CoalescedCall = field(init=False)

    def __post_init__(self) -> None:
        self._look_now = CoalescedCall(act=self.reconcile, log=self.log, every_s=0)
        self._silent = SilentRunners(ticks=self.ticks)
        self.view = QueueView(
            store=self.store,
            launcher=self.launcher,
            times=look_times(self.store, busy_s=self.busy_s, idle_s=self.idle_s),
            clock=self.clock,
            log=self.log,
            ticks=self.ticks,
        )

    async def run(self) -> None:
        """Dispatches until it is cancelled."""
        while True:
            self.reached = await log_errors(self.reconcile, "a look at the queue", log=self.log)
            await wait_event(self._wake, self._pause_s())
            self._wake.clear()

    def on_end(self, listener: Callable[[RunRecord], None]) -> None:
        """Calls the listener with the record of each run that ends."""
        self._end_listeners.append(listener)

    def wake(self) -> None:
        self._wake.set()

    async def enqueue(self, record: RunRecord, *, start_s: float = START_S) -> bool:
        """Accepts a run; False where run.when_busy is skip and run.max_concurrent runs are active. `start_s`: how long
        the sender can wait for its start."""
        added = await self._add(record)
        if added and self.starts_in_request:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(start_s):
                    await self._look_now()
        return added

    async def _add(self, record: RunRecord) -> bool:
        if not self.limits.skip_when_busy:
            await enqueue_run(self.store, record)
            self.view.known[record.id] = record
            # In a bucket the next look may be far away, and must come earlier while a run waits.
            if len(self.launcher.running()) < self.limits.max_concurrent or not self.view.times.lists_always:
                self.wake()
            return True
        async with self._looking:
            await self.view.list_entries(reads_running=True)
            if is_full(self.view.known.values(), most=self.limits.max_concurrent):
                return False
            await enqueue_run(self.store, record)
            self.view.known[record.id] = record
        self.wake()
        return True

    async def cancel(self, run: str) -> RunRecord | None:
        """Cancels a run: a queued one at once, a running one within seconds. None for an unknown run."""
        result = await request_cancel(self.store, run, clock=self.clock)
        if result is None:
            return None
        if result.ended and run in self.view.known:
            self.view.known[run] = result.record
        if result.ended and run in self.launcher.running():
            await self.starts.stop(run)  # it is starting, and would notice only later
        elif result.record.status == "running" and not self.store.is_local:
            await self.starts.cancel(run)  # its runner does not poll
        self.wake()
        return result.record

    async def settle_if_expired(self, record: RunRecord) -> RunRecord:
        """The record, once a run with an expired lease is settled. A runner of this gateway is trusted even if its
        lease seems expired, because the clock may have been changed."""
        if record.id in self.launcher.running() or not is_expired(record, self.clock()):
            return record
        return await recover_expired(self.store, record.id, retries=self.limits.retries, clock=self.clock) or record

    async def reconcile_full(self) -> Decision:
        """Looks at the queue, and lists it even if that was done recently."""
        self.view.forget_listing()
        return await self.reconcile()

    async def reconcile(self) -> Decision:
        """Looks at the queue once and carries out the decision."""
        async with self._looking:
            await self.view.refresh()
            if self._decide().start:
                await self.view.list_before_start()
            decision = await self._confirm()
            await self._settle_silent()
            await self._stop_hung()
            for run in decision.ended:
                await self._forget(run)
            for run in decision.expired:
                await self._settle(run)
            await self._start(decision.start)
            return decision

    def on_runner_exit(self, exited: RunnerExit) -> None:
        if exited.run in self.view.known:  # otherwise the run has left the queue already
            self.starts.on_exit(exited)
            self.view.note_exit(exited.run)
            self._silent.note_exit(exited.run)
        if exited.code not in (0, 1):
            self.log("runner failed", level="warning", run=exited.run, code=exited.code, detail=exited.detail)
        self.wake()

    def _pause_s(self) -> float:
        """Seconds until the next look, unless something wakes it."""
        times = self.view.times
        if times.lists_always or not self.reached:
            return times.busy_s if self.view.known else times.idle_s
        begun = self.launcher.running()
        due = times.pause_s(self.view.known.values(), begun=begun, now=self.clock(), start_in=self.starts.start_in)
        return min(due, self.view.seconds_until_list(), self._silent.seconds_until_due())

    async def _confirm(self) -> Decision:
        """The decision, with the records of the runs to start read again: another gateway may have been faster."""
        fresh: set[str] = set()
        while True:
            decision = self._decide()
            stale = [run for run in decision.start if run not in fresh]
            if not stale:
                return decision
            for run in stale:
                await self.view.read(run)
                fresh.add(run)

    def _decide(self) -> Decision:
        begun = self.launcher.running()
        return decide(list(self.view.known.values()), now=self.clock(), most=self.limits.max_concurrent, begun=begun)

    async def _forget(self, run: str) -> None:
        if (record := self.view.known.get(run)) is not None:
            # First, so that the event is written even if this gateway is killed here.
            await append_finished_event(self.store, record)
        await self.store.delete(keys.queue_entry_key(run))
        self.view.known.pop(run, None)
        self.starts.forget(run)
        self._silent.forget(run)
        if record is not None:
            for listener in self._end_listeners:
                listener(record)
            self.log("run ended", run=run, status=record.status, reason=record.reason)

    async def _settle_silent(self) -> None:
        """Settles runs in a bucket whose runners have exited: their leases are long."""
        if self.store.is_local:
            return
        for record in list(self.view.known.values()):
            self._silent.observe(record)
        for run, lease in self._silent.take_due():
            await self._settle(run, silent=lease)

    async def _settle(self, run: str, *, silent: Lease | None = None) -> None:
        record = await recover_expired(self.store, run, retries=self.limits.retries, clock=self.clock, silent=silent)
        if record is not None:
            self.view.known[run] = record
            self.starts.forget(run)
            self.log("runner lost", level="warning", run=run, status=record.status)
            self.wake()

    async def _start(self, runs: Sequence[str]) -> None:
        for run in filter(self.starts.failure_reason, runs):
            reason = f"runner did not start: {self.starts.failure_reason(run)}"
            if record := await finish_unowned(self.store, run, "failed", reason, clock=self.clock):
                self.view.known[run] = record
            self.wake()
        await self.starts.start([run for run in runs if not self.starts.failure_reason(run)])

    async def _stop_hung(self) -> None:
        begun, now = self.launcher.running(), self.clock()
        await self.starts.stop_hung([r.id for r in self.view.known.values() if r.id in begun and is_expired(r, now)])
