"""What one guard knows of an agent's spending, and whether a request fits beside it. Nothing here waits or stores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from unmoor.runtime.config import DAY_CAP, RUN_CAP, AgentConfig
from unmoor.runtime.events import BudgetExceeded

from .day_record import NOTHING, DayRecord, Hold, add_amounts

# A hold is larger than the requests need by this share of the smallest cap, so that few requests write to the store.
SLACK = Decimal(1) / 16
# A hold must last longer than the pauses between the writes that renew it.
HOLD_S = 300
MAX_DAYS = 31


@dataclass(slots=True, eq=False)
class Charge:
    """A request in progress: the most that it is expected to cost, and its cost so far."""

    run: str
    day: date
    reserved: Decimal
    so_far: Decimal = NOTHING

    @property
    def usd(self) -> Decimal:
        return max(self.reserved, self.so_far)


@dataclass(frozen=True, slots=True, kw_only=True)
class CapUse:
    """One cap: what is spent for certain, what requests in progress may still spend, and what other guards hold.

    `idle`: nothing is in progress, and no other guard holds anything."""

    cap: str
    limit: Decimal
    spent: Decimal
    reserved: Decimal
    held_by_others: Decimal
    idle: bool

    @property
    def is_used_up(self) -> bool:
        return self.spent >= self.limit

    def fits(self, price: Decimal) -> bool:
        """Whether a request of this price fits. One request alone always does while there is money left."""
        return self.idle or self.spent + self.reserved + self.held_by_others + price <= self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a request may be sent: it may if no cap is exceeded and none is short; otherwise it waits for those."""

    exceeded: BudgetExceeded | None
    short_of: frozenset[str]


class BudgetAccount:
    """The spending of an agent's runs as one guard knows it: the record of the day, this guard's unwritten spending,
    and its requests in progress."""

    def __init__(self, agent: AgentConfig, guard: str) -> None:
        self.guard = guard
        self.run_cap, self.day_cap = agent.run.max_cost_usd, agent.budget_per_day_usd
        caps = [cap for cap in (self.run_cap, self.day_cap) if cap is not None]
        self.has_caps, self._slack = bool(caps), min(caps, default=NOTHING) * SLACK
        # A run that continues over midnight has spent on several days.
        span = timedelta(seconds=agent.run.timeout_s * (agent.run.retries + 1))
        self.days_back = min(span.days + 1, MAX_DAYS)
        self.record: DayRecord | None = None
        self.before: dict[str, Decimal] = {}
        self.unwritten: defaultdict[date, dict[str, Decimal]] = defaultdict(dict)
        self.charges: set[Charge] = set()

    def exceeded_cap(self, run: str, now: datetime) -> BudgetExceeded | None:
        """The cap that is used up as far as this guard knows, or None."""
        for use in self._caps(run, now):
            if use.is_used_up:
                return BudgetExceeded(cap=use.cap, limit_usd=use.limit, spent_usd=use.spent)
        return None

    def judge(self, run: str, price: Decimal, now: datetime) -> Verdict:
        """Whether a request of this price may be sent beside all that are known."""
        short_of = frozenset(use.cap for use in self._caps(run, now) if not use.fits(price))
        return Verdict(exceeded=self.exceeded_cap(run, now), short_of=short_of)

    def is_held(self, run: str, price: Decimal, now: datetime) -> bool:
        """Whether this guard's hold, as it is stored, covers one more request of this price."""
        hold = self.record.holds.get(self.guard) if self.record else None
        if self.record is None or hold is None or hold.until <= now:
            return False
        return self._needs(self.record.day).get(run, NOTHING) + price <= hold.runs.get(run, NOTHING)

    def others_hold(self, now: datetime) -> bool:
        """Whether other guards hold money."""
        return self.record is not None and bool(self.record.sum_other_holds(self.guard, now, expired=False))

    def next_hold(self, record: DayRecord, now: datetime, *, price: Mapping[str, Decimal], slack: bool) -> Hold:
        """The hold to write into this record once the unwritten spending is in it: for requests in progress and one of
        this price, and with `slack` for some more, as far as the caps have room."""
        in_progress = self._in_progress(record.day)
        runs = add_amounts(in_progress, price)
        if slack and record is self.record:
            for run in {*price, *self.unwritten.get(record.day, {})}:
                runs[run] = runs.get(run, NOTHING) + min(self._slack, self._room(run, now, runs))
        return Hold(until=now + timedelta(seconds=HOLD_S), runs={run: usd for run, usd in runs.items() if usd})

    def forget(self, day: date, spent: Mapping[str, Decimal], today: date) -> None:
        """Written spending is no longer unwritten; that of an earlier day now counts as spent before."""
        rest = self.unwritten.get(day, {})
        for run, usd in spent.items():
            rest[run] = rest.get(run, NOTHING) - usd
            if not rest[run]:
                del rest[run]
            if day != today and run in self.before:
                self.before[run] += usd
        if not rest:
            self.unwritten.pop(day, None)

    def turn_over(self, record: DayRecord) -> None:
        """A day has ended: its spending by runs in progress now counts as spent before."""
        active = {charge.run for charge in self.charges}
        self.before = {
            run: spent + record.runs.get(run, NOTHING) for run, spent in self.before.items() if run in active
        }

    def _caps(self, run: str, now: datetime) -> Iterator[CapUse]:
        if self.run_cap is not None:
            yield self._use(RUN_CAP, self.run_cap, run, now)
        if self.day_cap is not None:
            yield self._use(DAY_CAP, self.day_cap, None, now)

    def _use(self, cap: str, limit: Decimal, run: str | None, now: datetime) -> CapUse:
        """The cap of this run, or of the day."""
        record = self.record
        assert record is not None
        charges = [c for c in self.charges if (c.day == record.day if run is None else c.run == run)]
        so_far = sum((charge.so_far for charge in charges), NOTHING)
        others = record.sum_other_holds(self.guard, now, expired=False)
        held_by_others = sum(others.values(), NOTHING) if run is None else others.get(run, NOTHING)
        return CapUse(
            cap=cap,
            limit=limit,
            spent=self._spent(record, run, now) + so_far,
            reserved=sum((charge.usd for charge in charges), NOTHING) - so_far,
            held_by_others=held_by_others,
            idle=not charges and not held_by_others,
        )

    def _spent(self, record: DayRecord, run: str | None, now: datetime) -> Decimal:
        """What this guard knows to be spent. The expired hold of another guard counts as spent."""
        lost = record.sum_other_holds(self.guard, now, expired=True)
        days = self.unwritten.items()
        if run is None:
            unwritten = (usd for day, runs in days if day == record.day for usd in runs.values())
            return record.total + sum(lost.values(), NOTHING) + sum(unwritten, NOTHING)
        written = self.before.get(run, NOTHING) + record.runs.get(run, NOTHING) + lost.get(run, NOTHING)
        return written + sum((runs.get(run, NOTHING) for _, runs in days), NOTHING)

    def _in_progress(self, day: date) -> dict[str, Decimal]:
        sums: dict[str, Decimal] = {}
        for charge in self.charges:
            if charge.day == day:
                sums[charge.run] = sums.get(charge.run, NOTHING) + charge.usd
        return sums

    def _needs(self, day: date) -> dict[str, Decimal]:
        return add_amounts(self._in_progress(day), self.unwritten.get(day, {}))

    def _room(self, run: str, now: datetime, held: Mapping[str, Decimal]) -> Decimal:
        """How much more than these holds fits below every cap."""
        own = {RUN_CAP: held.get(run, NOTHING), DAY_CAP: sum(held.values(), NOTHING)}
        room = [use.limit - use.spent - use.held_by_others - own[use.cap] for use in self._caps(run, now)]
        return max(min(room), NOTHING)
