"""An agent's spending against its caps, per run and per day (UTC).

Each request reserves the most that it may cost before it is sent. What does not fit beside the other reservations
waits in order. The store holds the truth, and any number of guards add to it by compare-and-swap: a guard writes a hold
there before it reserves, so that all guards together stay below the caps without a write for every request.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from decimal import Decimal

from unmoor.runtime.clock import Clock
from unmoor.runtime.config import DAY_CAP, RUN_CAP, AgentConfig
from unmoor.runtime.events import BudgetExceeded
from unmoor.runtime.logs import Log, null_log
from unmoor.runtime.store import Store

from .account import Charge
from .book import Book, LedgerTimeouts
from .day_record import NOTHING


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request that waits for a reservation, and the caps that it waits for."""

    run: str
    short_of: frozenset[str] = frozenset()


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
        self._book = Book(agent, store=store, clock=clock, times=times, log=log, on_write=self._notify)
        self._account = self._book.account
        self.has_caps = self._account.has_caps
        self._clock, self._times = clock, times
        self._queue: list[_Waiting] = []
        self._changed = asyncio.Event()

    async def reserve(self, run: str, price: Decimal) -> Reservation | BudgetExceeded | None:
        """Reserves the most that a request may cost; the cap that is used up, or None if it did not fit in time.

        TransientError if the store does not respond.
        """
        if not self.has_caps:
            return Reservation(self, Charge(run, self._book.today, NOTHING))
        waiting = _Waiting(run)
        self._queue.append(waiting)
        try:
            async with asyncio.timeout(self._times.wait_s):
                while (found := await self._admit(waiting, price)) is None:
                    await self._wait_change()
                return found
        except TimeoutError:
            return None
        finally:
            self._queue.remove(waiting)
            self._notify()

    def update(self, charge: Charge, cost: Decimal) -> BudgetExceeded | None:
        """Records a request's cost so far; the cap that is now used up, or None."""
        charge.so_far = cost
        return self._account.exceeded_cap(charge.run, self._clock()) if self.has_caps else None

    def commit(self, charge: Charge, cost: Decimal) -> None:
        """Records a request's final cost on the day on which it was reserved, to be written later."""
        if not self.has_caps:
            return
        self._account.charges.discard(charge)
        if cost:
            day = self._account.unwritten[charge.day]
            day[charge.run] = day.get(charge.run, NOTHING) + cost
            self._book.write_later()
        self._notify()

    async def settle(self) -> None:
        """Writes what is due, for a bounded time."""
        await self._book.settle()

    async def close(self) -> None:
        """Writes the rest, and logs what could not be written."""
        await self._book.close()

    async def _admit(self, waiting: _Waiting, price: Decimal) -> Reservation | BudgetExceeded | None:
        """The reservation or the cap that is used up; None if the request has to wait."""
        run, book = waiting.run, self._book
        if book.knows(run) and not book.lock.locked():
            if found := self._decide(waiting, price):
                return found
            if self._is_behind(waiting):
                return None
        async with book.lock:
            while True:
                if not book.knows(run):
                    await book.read(run)
                if (found := self._decide(waiting, price)) or self._is_behind(waiting):
                    return found
                if not waiting.short_of:
                    await book.extend_hold({run: price})
                elif self._account.others_hold(self._clock()) and book.is_old:
                    await book.read(run)
                else:
                    return None

    def _decide(self, waiting: _Waiting, price: Decimal) -> Reservation | BudgetExceeded | None:
        """By what is known: the reservation if the hold covers it, or the cap that is used up."""
        run, now, account = waiting.run, self._clock(), self._account
        verdict = account.judge(run, price, now)
        waiting.short_of = verdict.short_of
        if verdict.exceeded or verdict.short_of or self._is_behind(waiting) or not account.is_held(run, price, now):
            return verdict.exceeded
        charge = Charge(run, self._book.today, price)
        account.charges.add(charge)
        return Reservation(self, charge)

    def _is_behind(self, waiting: _Waiting) -> bool:
        """Whether an earlier request waits for a cap that this one needs too."""
        for earlier in self._queue:
            if earlier is waiting:
                return False
            if DAY_CAP in earlier.short_of or (RUN_CAP in earlier.short_of and earlier.run == waiting.run):
                return True
        return False

    async def _wait_change(self) -> None:
        """Waits until a request has ended here, or until it is time to look at what other guards hold."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._times.poll_s):
                await self._changed.wait()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


@dataclass(frozen=True, slots=True, eq=False)
class Reservation:
    """What one request may cost while it is in progress."""

    ledger: Ledger
    charge: Charge = field(repr=False)

    def update(self, cost: Decimal) -> BudgetExceeded | None:
        """Records the cost so far; the cap that is now used up, or None."""
        return self.ledger.update(self.charge, cost)

    def commit(self, cost: Decimal) -> None:
        """Records the final cost."""
        self.ledger.commit(self.charge, cost)
