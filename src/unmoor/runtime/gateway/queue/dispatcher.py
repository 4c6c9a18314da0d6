"""Keeps the queue moving: reads what waits, starts what may start, settles what has no runner any more."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from unmoor.runtime.clock import Clock
from unmoor.runtime.errors import TransientError, UnmoorRuntimeError
from unmoor.runtime.gateway.launchers.protocol import Launcher, RunnerExit
from unmoor.runtime.logs import Log, log_errors
from unmoor.runtime.state import keys
from unmoor.runtime.state.finish import append_finished_event, finish_unowned, recover_expired, request_cancel
from unmoor.runtime.state.queue_entry import enqueue_run, recover_record
from unmoor.runtime.state.run_record import RunRecord, is_expired, read_record
from unmoor.runtime.store import Store, StoreEntry
from unmoor.runtime.waiting import wait_event

from .decide import Decision, decide, is_full
from .start_attempts import RunnerStarts

# How long until the next look where nothing else wakes it: with runs in the queue, and without.
BUSY_S, IDLE_S = 2.0, 15.0
# Listing the queue may take this part of the time: a long one is listed less often while its runs start and end.
LISTING_PART = 0.05
# A shorter one is listed at every look: while all gateways see the same runs, no more run than may.
SHORT = 200
# A run that is started before it is said to be accepted may take this part of the 5 s in which senders want an answer.
SOON_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """The spec's knobs of the queue."""

    most: int
    skips: bool
    retries: int


@dataclass(slots=True, kw_only=True)
class Dispatcher:
    """The queue of one agent as this gateway sees it. Any number of gateways may look after one store.

    `soon` is there where the gateway has no processor between requests: whoever accepts a run waits for a look by it.
    """

    store: Store
    launcher: Launcher
    starts: RunnerStarts
    limits: QueueLimits
    clock: Clock
    log: Log
    _hear_of_ends: list[Callable[[RunRecord], None]] = field(default_factory=list[Callable[[RunRecord], None]])
    busy_s: float = BUSY_S
    idle_s: float = IDLE_S
    soon: Callable[[], Awaitable[bool]] | None = None
    known: dict[str, RunRecord] = field(default_factory=dict[str, RunRecord])
    reached: bool = False
    _list_again_at: float = 0.0
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self) -> None:
        """Looks after the queue until it is cancelled."""
        while True:
            self.reached = await log_errors(self.reconcile, "a look at the queue", log=self.log)
            await wait_event(self._wake, self.busy_s if self.known else self.idle_s)
            self._wake.clear()

    def on_end(self, hear: Callable[[RunRecord], None]) -> None:
        """Has the record of each run told that leaves the queue because it has ended."""
        self._hear_of_ends.append(hear)

    def wake(self) -> None:
        """Something has changed: look now."""
        self._wake.set()

    async def enqueue(self, record: RunRecord) -> bool:
        """Accepts a run; False where all are taken and the spec says that it is skipped then."""
        added = await self._add(record)
        if added and self.soon is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SOON_S):
                    await self.soon()
        return added

    async def _add(self, record: RunRecord) -> bool:
        if not self.limits.skips:
            await enqueue_run(self.store, record)
            self.known[record.id] = record
            if len(self.launcher.running()) < self.limits.most:
                self.wake()
            return True
        async with self._looking:
            await self._list()
            if is_full(self.known.values(), most=self.limits.most):
                return False
            await enqueue_run(self.store, record)
            self.known[record.id] = record
        self.wake()
        return True

    async def cancel(self, run: str) -> RunRecord | None:
        """Asks a run to end: at once where it waits, and within seconds where it runs. None where there is none."""
        asked = await request_cancel(self.store, run, clock=self.clock)
        if asked is None:
            return None
        if asked.here and run in self.known:
            self.known[run] = asked.record
        if asked.here and run in self.launcher.running():
            await self.starts.stop(run)  # it is on its way, and would find out by itself later
        self.wake()
        return asked.record

    async def settle_if_expired(self, record: RunRecord) -> RunRecord:
        """A record that somebody looks at: one whose runner is dead is settled first, and not one whose runner is here,
        as after a clock that was set."""
        if record.id in self.launcher.running() or not is_expired(record, self.clock()):
            return record
        return await recover_expired(self.store, record.id, retries=self.limits.retries, clock=self.clock) or record

    async def reconcile_full(self) -> Decision:
        """A look for which the whole queue is listed, however lately that was done."""
        self._list_again_at = 0.0
        return await self.reconcile()

    async def reconcile(self) -> Decision:
        """One look at the queue, with everything done that it asks for."""
        async with self._looking:
            await self._read()
            decision = await self._confirmed()
            await self._stop_hung()
            for run in decision.ended:
                await self._forget(run)
            for run in decision.expired:
                await self._settle(run)
            await self._start(decision.start)
            return decision

    def on_runner_exit(self, exited: RunnerExit) -> None:
        """A runner of this gateway's has ended."""
        if exited.run in self.known:  # it may be over and done with, and heard of late
            self.starts.on_exit(exited)
        if exited.code not in (0, 1):
            self.log("a runner ended badly", level="warning", run=exited.run, code=exited.code, said=exited.said)
        self.wake()

    async def _read(self) -> None:
        """Brings what is known up to date: what others have put into the queue, and what runs."""
        if len(self.known) <= SHORT or time.monotonic() >= self._list_again_at:
            return await self._list()
        for run in [r.id for r in self.known.values() if self._moves(r)]:
            self._know(run, await self._record(run))

    async def _list(self) -> None:
        """Reads new marks, and again what runs."""
        began = time.monotonic()
        before = set(self.known)
        marks = {e.key.removeprefix("queue/"): e async for e in self.store.list("queue/")}
        marks = {run: mark for run, mark in marks.items() if keys.RUN_ID.fullmatch(run)}
        listed = time.monotonic()
        self._list_again_at = listed + min((listed - began) / LISTING_PART, self.busy_s)
        # What was added while the queue was listed is in it all the same.
        self.known = {run: record for run, record in self.known.items() if run in marks or run not in before}
        for run, mark in marks.items():
            record = self.known.get(run)
            if record is None or self._moves(record):
                self._know(run, await self._record(run, mark))

    def _moves(self, record: RunRecord) -> bool:
        """Whether somebody may change its record at any time."""
        return record.status == "running" or record.id in self.launcher.running()

    async def _confirmed(self) -> Decision:
        """The decision once the records of what it starts are fresh: another gateway may have been quicker."""
        fresh: set[str] = set()
        while True:
            decision = self._decide()
            stale = [run for run in decision.start if run not in fresh]
            if not stale:
                return decision
            for run in stale:
                self._know(run, await self._record(run))
                fresh.add(run)

    async def _record(self, run: str, mark: StoreEntry | None = None) -> RunRecord | None:
        """The run's record now; None where there is none, or none that can be read: others must not wait for it."""
        try:
            if mark is not None:
                return await recover_record(self.store, mark, run, now=self.clock())
            stored = await self.store.get(keys.run_record_key(run))
            return read_record(run, stored.content) if stored else None
        except TransientError:
            raise
        except UnmoorRuntimeError as fault:
            self.log(str(fault), level="error", run=run)
            return None

    def _decide(self) -> Decision:
        begun = self.launcher.running()
        return decide(list(self.known.values()), now=self.clock(), most=self.limits.most, begun=begun)

    def _know(self, run: str, record: RunRecord | None) -> None:
        if record is None:
            self.known.pop(run, None)
        else:
            self.known[run] = record

    async def _forget(self, run: str) -> None:
        if (record := self.known.get(run)) is not None:
            await append_finished_event(
                self.store, record
            )  # before the queue forgets it, so that it is said in the end
        await self.store.delete(keys.queue_entry_key(run))
        self.known.pop(run, None)
        self.starts.forget(run)
        if record is not None:
            for hear in self._hear_of_ends:
                hear(record)
            self.log("run ended", run=run, status=record.status, reason=record.reason)

    async def _settle(self, run: str) -> None:
        record = await recover_expired(self.store, run, retries=self.limits.retries, clock=self.clock)
        if record is not None:
            self.known[run] = record
            self.starts.forget(run)
            self.log("a runner was lost", level="warning", run=run, status=record.status)
            self.wake()

    async def _start(self, runs: Sequence[str]) -> None:
        for run in filter(self.starts.gave_up, runs):
            reason = f"its runner did not start: {self.starts.gave_up(run)}"
            if record := await finish_unowned(self.store, run, "failed", reason, clock=self.clock):
                self.known[run] = record
            self.wake()
        await self.starts.start([run for run in runs if not self.starts.gave_up(run)])

    async def _stop_hung(self) -> None:
        begun, now = self.launcher.running(), self.clock()
        await self.starts.stop_hung([r.id for r in self.known.values() if r.id in begun and is_expired(r, now)])
