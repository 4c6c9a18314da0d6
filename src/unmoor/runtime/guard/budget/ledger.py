"""An agent's spending against its caps, per run and per day (UTC).

The store holds the truth, and any number of guards add to it by compare-and-swap. This guard reads it again when its
copy is old or a cap is near, and adds its own spending that is not yet written and that of requests in progress.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from unmoor.runtime.backoff import Backoff
from unmoor.runtime.clock import Clock
from unmoor.runtime.config import DAY_CAP, RUN_CAP, AgentConfig
from unmoor.runtime.errors import TransientError
from unmoor.runtime.events import BudgetExceeded
from unmoor.runtime.logs import Log, null_log
from unmoor.runtime.store import Store

from .day_record import NOTHING, DayRecord, DayRecords

# From this share of a cap on, every request reads the store.
NEAR = Decimal("0.8")
MAX_DAYS = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTimeouts:
    """When the copy is old (for a request, and within a stream), the pause between writes (Cloud Storage accepts one
    write a second to an object: https://cloud.google.com/storage/quotas), and how long the last writes may take."""

    old_s: float = 2
    old_in_stream_s: float = 10
    write_every_s: float = 1
    retry_s: float = 0.2
    ending_s: float = 2.5


class Ledger:
    """The spending of one agent's runs, as far as this guard knows it. Without caps it stores nothing."""

    def __init__(
        self,
        agent: AgentConfig,
        *,
        store: Store,
        clock: Clock,
        times: LedgerTimeouts,
        log: Log = null_log,
    ) -> None:
        self._run_cap, self._day_cap = agent.run.max_cost_usd, agent.budget_per_day_usd
        self.has_caps = self._run_cap is not None or self._day_cap is not None
        # A run that continues over midnight has spent on several days.
        span = timedelta(seconds=agent.run.timeout_s * (agent.run.retries + 1))
        self._days_back = min(span.days + 1, MAX_DAYS)
        self._records, self._clock, self._log = DayRecords(store), clock, log
        self._times = times
        self._retry = Backoff(first_s=self._times.retry_s, jitter=0.5)
        self._lock = asyncio.Lock()
        self._record: DayRecord | None = None
        self._read_at = datetime.min.replace(tzinfo=UTC)
        self._before: dict[str, Decimal] = {}
        self._unwritten: defaultdict[date, dict[str, Decimal]] = defaultdict(dict)
        self._in_progress: dict[Spending, Decimal] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing = False
        self._stale = False
        self._closing = asyncio.Event()
        self._wrote = asyncio.Event()

    async def check(self, run: str) -> BudgetExceeded | None:
        """The cap that leaves the run no further request, or None; TransientError if the store cannot be read."""
        if not self.has_caps:
            return None
        if self._is_old(self._times.old_s) or run not in self._before or self._is_near(run):
            async with self._lock:
                await self._read(run)
        return self.exceeded_cap(run)

    def begin(self, run: str, least: Decimal) -> Spending:
        """A request that is sent now, and costs at least this."""
        spending = Spending(self, run)
        self._in_progress[spending] = least
        return spending

    def exceeded_cap(self, run: str) -> BudgetExceeded | None:
        """The cap that is exceeded as far as this guard knows, or None."""
        for cap, limit, spent in self._caps(run):
            if spent >= limit:
                return BudgetExceeded(cap=cap, limit_usd=limit, spent_usd=spent)
        return None

    def update(self, spending: Spending, cost: Decimal) -> BudgetExceeded | None:
        """Records a request's cost so far; the cap that it exceeds, or None."""
        self._in_progress[spending] = cost
        if self.has_caps and self._is_old(self._times.old_in_stream_s) and not self._tasks:
            self._start(self._read_again(spending.run))
        return self.exceeded_cap(spending.run)

    def commit(self, spending: Spending, cost: Decimal) -> None:
        """Records a request's final cost, to be written soon."""
        self._in_progress.pop(spending, None)
        if not self.has_caps or not cost:
            return
        day = self._unwritten[self._today()]
        day[spending.run] = day.get(spending.run, NOTHING) + cost
        if not self._writing:
            self._writing = True
            self._start(self._write_all())

    async def settle(self) -> None:
        """Waits until all spending is written, for a bounded time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._times.write_every_s + self._times.ending_s):
                while self._unwritten:
                    await self._wrote.wait()

    async def close(self) -> None:
        """Writes the rest, and logs what could not be written."""
        self._closing.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._times.ending_s)
        for task in self._tasks:
            task.cancel()
        for day, runs in self._unwritten.items():
            lost = {run: str(usd) for run, usd in runs.items()}
            self._log("spending not written", level="error", day=day.isoformat(), runs=lost)

    # The known spending

    def _caps(self, run: str) -> Iterator[tuple[str, Decimal, Decimal]]:
        """Each cap's name and limit, and the spending that counts against it."""
        if self._run_cap is not None:
            yield RUN_CAP, self._run_cap, self._spent_by(run)
        if self._day_cap is not None:
            yield DAY_CAP, self._day_cap, self._spent_today()

    def _today(self) -> date:
        return self._clock().astimezone(UTC).date()

    def _is_old(self, seconds: float) -> bool:
        if self._stale or self._record is None or self._record.day != self._today():
            return True
        return not 0 <= (self._clock() - self._read_at).total_seconds() <= seconds

    def _is_near(self, run: str) -> bool:
        return any(spent >= limit * NEAR for _, limit, spent in self._caps(run))

    def _spent_by(self, run: str) -> Decimal:
        written = self._record.runs.get(run, NOTHING) if self._record else NOTHING
        unwritten = sum((runs.get(run, NOTHING) for runs in self._unwritten.values()), NOTHING)
        in_progress = sum((cost for each, cost in self._in_progress.items() if each.run == run), NOTHING)
        return self._before.get(run, NOTHING) + written + unwritten + in_progress

    def _spent_today(self) -> Decimal:
        written = self._record.total if self._record else NOTHING
        unwritten = sum(self._unwritten.get(self._today(), {}).values(), NOTHING)
        return written + unwritten + sum(self._in_progress.values(), NOTHING)

    # The store; every access holds the lock, so that nothing is counted twice while it is written

    async def _read(self, run: str) -> None:
        today = self._today()
        if self._record is not None and self._record.day != today:
            self._turn_over(self._record)
        self._record = await self._records.read(today)
        self._read_at, self._stale = self._clock(), False
        if run not in self._before:
            days = [today - timedelta(days=back) for back in range(1, self._days_back + 1)]
            records = await asyncio.gather(*map(self._records.read, days))
            self._before[run] = sum((record.runs.get(run, NOTHING) for record in records), NOTHING)

    def _turn_over(self, record: DayRecord) -> None:
        """A day has ended: its spending by runs in progress now counts as spent before."""
        active = {each.run for each in self._in_progress}
        self._before = {
            run: spent + record.runs.get(run, NOTHING) for run, spent in self._before.items() if run in active
        }

    async def _read_again(self, run: str) -> None:
        async with self._lock:
            try:
                await self._read(run)
            except TransientError as error:
                self._log("the budget cannot be read", level="warning", error=str(error))

    async def _write_all(self) -> None:
        try:
            while self._unwritten:
                written = await self._write(min(self._unwritten))
                self._wrote.set()
                self._wrote = asyncio.Event()
                if not written:
                    await asyncio.sleep(self._retry.pause_s(1))
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._times.write_every_s):
                        await self._closing.wait()
        finally:
            self._writing = False

    async def _write(self, day: date) -> bool:
        """Adds unwritten spending to a day's record; False if the store failed or another guard was faster."""
        async with self._lock:
            known = self._record if self._record and self._record.day == day and not self._stale else None
            try:
                written = await self._records.add(day, dict(self._unwritten[day]), known=known)
            except TransientError as error:
                self._log("the budget cannot be written", level="warning", error=str(error))
                written = None
            self._stale = written is None
            if written is None:
                return False
            self._forget(day, written.spent)
            if day == self._today():
                self._record, self._read_at = written.record, self._clock()
            return True

    def _forget(self, day: date, spent: Mapping[str, Decimal]) -> None:
        """Written spending is no longer unwritten; that of an earlier day now counts as spent before."""
        rest = self._unwritten.get(day, {})
        for run, usd in spent.items():
            rest[run] = rest.get(run, NOTHING) - usd
            if not rest[run]:
                del rest[run]
            if day != self._today() and run in self._before:
                self._before[run] += usd
        if not rest:
            self._unwritten.pop(day, None)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@dataclass(frozen=True, slots=True, eq=False)
class Spending:
    """One request's cost while it is in progress."""

    ledger: Ledger
    run: str

    def update(self, cost: Decimal) -> BudgetExceeded | None:
        """Records the cost so far; the cap that it exceeds, or None."""
        return self.ledger.update(self, cost)

    def commit(self, cost: Decimal) -> None:
        """Records the final cost."""
        self.ledger.commit(self, cost)
