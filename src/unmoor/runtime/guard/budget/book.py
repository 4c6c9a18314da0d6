"""One guard's account beside the store: what it reads there, and the spending and the holds that it writes there."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from unmoor.runtime.backoff import Backoff
from unmoor.runtime.clock import Clock
from unmoor.runtime.config import AgentConfig
from unmoor.runtime.errors import TransientError
from unmoor.runtime.logs import Log
from unmoor.runtime.store import Store

from .account import BudgetAccount
from .day_record import NOTHING
from .day_records import DayRecords


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerTimeouts:
    """When the copy is too old to let a request wait, the pause between writes, how long a request waits for others'
    reservations, how often it then reads the store, and how long the last writes may take.

    The wait ends before a harness gives up: Codex waits 300 s for the first byte.
    """

    old_s: float = 2
    write_every_s: float = 60
    wait_s: float = 240
    poll_s: float = 5
    retry_s: float = 0.2
    ending_s: float = 2.5


class Book:
    """Every access to the store holds `lock`, so that nothing is counted twice while it is written; `on_write` is
    called after each round of writes."""

    def __init__(
        self,
        agent: AgentConfig,
        *,
        store: Store,
        clock: Clock,
        times: LedgerTimeouts,
        log: Log,
        on_write: Callable[[], None],
    ) -> None:
        self.account = BudgetAccount(agent, guard=secrets.token_hex(6))
        self.lock = asyncio.Lock()
        self._records = DayRecords(store, self.account.guard)
        self._clock, self._times, self._log, self._on_write = clock, times, log, on_write
        self._retry = Backoff(first_s=times.retry_s, jitter=0.5)
        self._read_at = self._wrote_at = datetime.min.replace(tzinfo=UTC)
        self._stale = False
        self._held_days: set[date] = set()
        self._writing: asyncio.Task[None] | None = None
        self._due, self._wrote, self._closing = asyncio.Event(), asyncio.Event(), False

    @property
    def today(self) -> date:
        return self._clock().astimezone(UTC).date()

    @property
    def is_old(self) -> bool:
        """Whether the copy is too old to let a request wait."""
        return not 0 <= (self._clock() - self._read_at).total_seconds() <= self._times.old_s

    def knows(self, run: str) -> bool:
        """Whether the run's spending is known, of today and of the days before."""
        record = self.account.record
        is_current = record is not None and record.day == self.today and not self._stale
        return is_current and run in self.account.before

    async def read(self, run: str) -> None:
        """Reads today's record, and those of the days before if the run is new here. The caller holds the lock."""
        account, today = self.account, self.today
        if account.record is not None and account.record.day != today:
            account.turn_over(account.record)
        account.record = await self._records.read(today)
        self._read_at, self._stale = self._clock(), False
        if run not in account.before:
            days = [today - timedelta(days=back) for back in range(1, account.days_back + 1)]
            records = await asyncio.gather(*map(self._records.read, days))
            account.before[run] = sum((record.runs.get(run, NOTHING) for record in records), NOTHING)

    async def extend_hold(self, price: Mapping[str, Decimal]) -> None:
        """Tries once to write a hold with room for this price. The caller holds the lock."""
        if not await self._write(self.today, price):
            await asyncio.sleep(self._retry.pause_s(1))

    def write_later(self) -> None:
        """Writes within the pause between writes."""
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())

    async def settle(self) -> None:
        """Writes what is due, for a bounded time: a guard that serves no connection may get no processor time."""
        since = (self._clock() - self._wrote_at).total_seconds()
        if self.account.unwritten and since >= self._times.write_every_s:
            self._due.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._times.ending_s):
                    await self._wrote.wait()

    async def close(self) -> None:
        """Writes the rest and gives up the holds, and logs what could not be written."""
        self._closing = True
        self._due.set()
        if self._writing:
            await asyncio.wait([self._writing], timeout=self._times.ending_s)
            self._writing.cancel()
        for day, runs in self.account.unwritten.items():
            lost = {run: str(usd) for run, usd in runs.items()}
            self._log("spending not written", level="error", day=day.isoformat(), runs=lost)

    async def _write_all(self) -> None:
        """Writes while there is unwritten spending, or a hold to renew or to give up."""
        while self._days():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._times.write_every_s):
                    await self._due.wait()
            if not self._closing:
                self._due.clear()
            results = [await self._try_to_write(day) for day in self._days()]
            self._wrote.set()
            self._wrote = asyncio.Event()
            self._on_write()
            if self._closing and all(results) and not self.account.unwritten:
                return  # a hold that is left is for requests that were cut off
            if not all(results):
                await asyncio.sleep(self._retry.pause_s(1))

    def _days(self) -> list[date]:
        return sorted({*self.account.unwritten, *self._held_days})

    async def _try_to_write(self, day: date) -> bool:
        async with self.lock:
            try:
                return await self._write(day, {})
            except TransientError as error:
                self._log("the budget cannot be written", level="warning", error=str(error))
                return False

    async def _write(self, day: date, price: Mapping[str, Decimal]) -> bool:
        """Adds unwritten spending to a day's record and renews the hold; False if another guard was faster."""
        account = self.account
        is_today = account.record is not None and account.record.day == day
        record = account.record if is_today and not self._stale else None
        record = record or await self._records.read(day)
        spent = dict(account.unwritten.get(day, {}))
        slack = bool(price or spent) and not self._closing
        hold = account.next_hold(record, self._clock(), price=price, slack=slack)
        self._stale = self._stale or is_today  # until the store has responded
        written = await self._records.write(record, spent, hold)
        if written is None:
            return False
        self._wrote_at = self._clock()
        account.forget(day, written.spent, account.record.day if account.record else day)
        if is_today:
            account.record, self._read_at, self._stale = written.record, self._wrote_at, False
        if account.guard in written.record.holds:
            self._held_days.add(day)
            self.write_later()
        else:
            self._held_days.discard(day)
        return True
