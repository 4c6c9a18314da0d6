"""What has been spent, against what may be: for each run, and for each day (UTC) of the agent's.

The truth lies in the store, where any number of guards add to it by compare-and-swap. What this guard knows of it is
read again when it is old, or when a cap is near; to that it adds what it has not yet written, and what the requests
that are under way have cost so far.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from unmoor.runtime.backoff import Backoff
from unmoor.runtime.config import DAY_CAP, RUN_CAP, AgentConfig
from unmoor.runtime.errors import TransientError
from unmoor.runtime.events import BudgetExceeded
from unmoor.runtime.logs import Log, null_log
from unmoor.runtime.store import Store

from .day_record import NOTHING, DayRecord, DayRecords

# From this share of a cap on, every request looks into the store.
NEAR = Decimal("0.8")
MOST_DAYS = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTimeouts:
    """After how long what is known is old (for a request, and within a stream), how often is written (Cloud Storage
    takes one write a second to an object: https://cloud.google.com/storage/quotas), and for how long at the end."""

    old_s: float = 2
    old_in_stream_s: float = 10
    write_every_s: float = 1
    retry_s: float = 0.2
    ending_s: float = 2.5


class Ledger:
    """The spending of one agent's runs, as this guard knows it. Without caps it keeps nothing and lets all pass."""

    def __init__(
        self,
        agent: AgentConfig,
        *,
        store: Store,
        clock: Callable[[], datetime],
        times: LedgerTimeouts | None = None,
        log: Log = null_log,
    ) -> None:
        self._run_cap, self._day_cap = agent.run.max_cost_usd, agent.budget_per_day_usd
        # A run that goes on over midnight has spent on several days.
        span = timedelta(seconds=agent.run.timeout_s * (agent.run.retries + 1))
        self._days_back = min(span.days + 1, MOST_DAYS)
        self._books, self._clock, self._log = DayRecords(store), clock, log
        self._times = times or LedgerTimeouts()
        self._retry = Backoff(first_s=self._times.retry_s, jitter=0.5)
        self._lock = asyncio.Lock()
        self._book: DayRecord | None = None
        self._read_at = datetime.min.replace(tzinfo=UTC)
        self._before: dict[str, Decimal] = {}
        self._unwritten: defaultdict[date, dict[str, Decimal]] = defaultdict(dict)
        self._under_way: dict[Spending, Decimal] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing = False
        self._stale = False
        self._closing = asyncio.Event()
        self._wrote = asyncio.Event()

    @property
    def has_caps(self) -> bool:
        """Whether there is a cap at all."""
        return self._run_cap is not None or self._day_cap is not None

    async def check(self, run: str) -> BudgetExceeded | None:
        """Whether the run may send another request: the cap that is used up, or None.

        InfrastructureFault where the store cannot be read: then nobody knows.
        """
        if not self.has_caps:
            return None
        if self._is_old(self._times.old_s) or run not in self._before or self._is_near(run):
            async with self._lock:
                await self._read(run)
        return self.exceeded_cap(run)

    def begin(self, run: str, least: Decimal) -> Spending:
        """A request that goes out now, and costs at least this."""
        spending = Spending(self, run)
        self._under_way[spending] = least
        return spending

    def exceeded_cap(self, run: str) -> BudgetExceeded | None:
        """The cap that is used up as far as this guard knows, or None."""
        for cap, limit, spent in (
            (RUN_CAP, self._run_cap, self._spent_by(run)),
            (DAY_CAP, self._day_cap, self._spent_today()),
        ):
            if limit is not None and spent >= limit:
                return BudgetExceeded(cap=cap, limit_usd=limit, spent_usd=spent)
        return None

    def update(self, spending: Spending, cost: Decimal) -> BudgetExceeded | None:
        """Notes what a request has cost so far; the cap that this uses up, or None."""
        self._under_way[spending] = cost
        if self.has_caps and self._is_old(self._times.old_in_stream_s) and not self._tasks:
            self._start(self._read_again(spending.run))
        return self.exceeded_cap(spending.run)

    def commit(self, spending: Spending, cost: Decimal) -> None:
        """Notes what a request has cost in the end, to be written soon."""
        self._under_way.pop(spending, None)
        if not self.has_caps or not cost:
            return
        day = self._unwritten[self._today()]
        day[spending.run] = day.get(spending.run, NOTHING) + cost
        if not self._writing:
            self._writing = True
            self._start(self._write_all())

    async def settle(self) -> None:
        """Waits until what was spent is written, and not for ever."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._times.write_every_s + self._times.ending_s):
                while self._unwritten:
                    await self._wrote.wait()

    async def close(self) -> None:
        """Writes what is not yet written, and says what could not be."""
        self._closing.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._times.ending_s)
        for task in self._tasks:
            task.cancel()
        for day, runs in self._unwritten.items():
            lost = {run: str(usd) for run, usd in runs.items()}
            self._log("spending could not be written", level="error", day=day.isoformat(), runs=lost)

    # What is known

    def _today(self) -> date:
        return self._clock().astimezone(UTC).date()

    def _is_old(self, seconds: float) -> bool:
        age = self._clock() - self._read_at
        return (
            self._stale
            or self._book is None
            or self._book.day != self._today()
            or not 0 <= age.total_seconds() <= seconds
        )

    def _is_near(self, run: str) -> bool:
        return any(
            cap is not None and spent >= cap * NEAR
            for cap, spent in ((self._run_cap, self._spent_by(run)), (self._day_cap, self._spent_today()))
        )

    def _spent_by(self, run: str) -> Decimal:
        written = self._book.runs.get(run, NOTHING) if self._book else NOTHING
        unwritten = sum((runs.get(run, NOTHING) for runs in self._unwritten.values()), NOTHING)
        under_way = sum((cost for each, cost in self._under_way.items() if each.run == run), NOTHING)
        return self._before.get(run, NOTHING) + written + unwritten + under_way

    def _spent_today(self) -> Decimal:
        written = self._book.total if self._book else NOTHING
        unwritten = sum(self._unwritten.get(self._today(), {}).values(), NOTHING)
        return written + unwritten + sum(self._under_way.values(), NOTHING)

    # The store; every access holds the lock, so that nothing is counted twice while it is being written

    async def _read(self, run: str) -> None:
        today = self._today()
        if self._book is not None and self._book.day != today:
            self._turn_over(self._book)
        self._book = await self._books.read(today)
        self._read_at, self._stale = self._clock(), False
        if run not in self._before:
            days = [today - timedelta(days=back) for back in range(1, self._days_back + 1)]
            books = await asyncio.gather(*map(self._books.read, days))
            self._before[run] = sum((book.runs.get(run, NOTHING) for book in books), NOTHING)

    def _turn_over(self, book: DayRecord) -> None:
        """A day has ended: what runs that are under way have spent on it is now what they spent before."""
        under_way = {each.run for each in self._under_way}
        self._before = {
            run: spent + book.runs.get(run, NOTHING) for run, spent in self._before.items() if run in under_way
        }

    async def _read_again(self, run: str) -> None:
        async with self._lock:
            try:
                await self._read(run)
            except TransientError as fault:
                self._log("the budget cannot be read", level="warning", fault=str(fault))

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
        """Adds to a day's book what is not in it yet; False where the store or another guard was in the way."""
        async with self._lock:
            known = self._book if self._book and self._book.day == day and not self._stale else None
            try:
                written = await self._books.add(day, dict(self._unwritten[day]), known=known)
            except TransientError as fault:
                self._log("the budget cannot be written", level="warning", fault=str(fault))
                written = None
            self._stale = written is None
            if written is None:
                return False
            self._forget(day, written.spent)
            if day == self._today():
                self._book, self._read_at = written.book, self._clock()
            return True

    def _forget(self, day: date, spent: Mapping[str, Decimal]) -> None:
        """What was written is no longer unwritten; of an earlier day it is now what the run spent before."""
        left = self._unwritten.get(day, {})
        for run, usd in spent.items():
            left[run] = left.get(run, NOTHING) - usd
            if not left[run]:
                del left[run]
            if day != self._today() and run in self._before:
                self._before[run] += usd
        if not left:
            self._unwritten.pop(day, None)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Spending:
    """One request's cost while it is under way."""

    def __init__(self, ledger: Ledger, run: str) -> None:
        self.run = run
        self._ledger = ledger

    def update(self, cost: Decimal) -> BudgetExceeded | None:
        """It has cost this so far; the cap that is used up, or None."""
        return self._ledger.update(self, cost)

    def commit(self, cost: Decimal) -> None:
        """It has cost this in the end."""
        self._ledger.commit(self, cost)
