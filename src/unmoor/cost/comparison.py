"""Compares the costs of targets, independent of rendering."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import combinations

from unmoor.pricing.line import KINDS, CostLine, Kind, Total, total
from unmoor.pricing.usage import Usage, number_text

from .own_share import OwnShare, own_share
from .quote import Quote

# Up to how many times the runs of the month a break-even point is looked for, and at how many places.
REACH, PLACES = 100, 24
INFRASTRUCTURE: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "model")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """One column: a target, and a variant of the spec, empty for the spec itself.

    Without an offer it has no price: `refused` has the target's problems, `failed` an error.
    """

    target: str
    variant: str = ""
    offer: Quote | None = None
    lines: tuple[CostLine, ...] = ()
    refused: tuple[str, ...] = ()
    failed: str = ""

    @property
    def title(self) -> str:
        return f"{self.target}, {self.variant}" if self.variant else self.target

    @property
    def is_priced(self) -> bool:
        return self.offer is not None and not self.failed

    def total(self, *kinds: Kind) -> Total:
        """The month's total, or that of some kinds of lines."""
        return total(self.lines, *kinds)

    def own_share(self, usage: Usage) -> OwnShare | None:
        """What of it is unmoor's own; None where that is unknown."""
        return own_share(self.offer.plan, usage, self.lines) if self.offer and self.is_priced else None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """From `runs` runs per month on, `cheaper` costs no more than `dearer`."""

    runs: int
    cheaper: str
    dearer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The monthly cost of the same usage in each column, in order."""

    usage: Usage
    today: date
    free_tier: bool
    bills: tuple[Bill, ...]

    def curve(self, runs: Sequence[Decimal]) -> tuple[tuple[Total, ...], ...]:
        """By column: the month's total at each number of runs; empty for an unpriced column."""
        return tuple(
            tuple(bill.offer.total(self.usage.with_runs(n)) for n in runs) if bill.is_priced and bill.offer else ()
            for bill in self.bills
        )

    def a_further_run(self, bill: Bill) -> Total:
        """The cost of one additional run."""
        assert bill.offer is not None
        more = bill.offer.total(self.usage.with_runs(self.usage.runs + 1))
        return Total(known=more.known - bill.total().known, missing=more.missing)

    def break_evens(self) -> tuple[BreakEven, ...]:
        """The break-even points of columns with complete prices, up to a hundred times the runs."""
        whole = [bill for bill in self.bills if bill.is_priced and bill.total().is_complete]
        places = _places(self.usage.runs)
        costs = {bill.title: [_cost(bill, self.usage.with_runs(n)) for n in places] for bill in whole}
        found = [
            point
            for one, other in combinations(whole, 2)
            for point in _crossings(one, other, self.usage, places, costs)
        ]
        return tuple(sorted(found, key=lambda point: point.runs))

    def verdict(self) -> str:
        """One sentence: the cheapest column, and which ones cannot be decided."""

        return summary(self)

    def by_cost(self) -> Comparison:
        """The comparison sorted by cost; incomplete and unpriced columns come last."""
        bills = sorted(self.bills, key=lambda b: (not b.is_priced, not b.total().is_complete, b.total().known))
        return Comparison(usage=self.usage, today=self.today, free_tier=self.free_tier, bills=tuple(bills))

    def old_books(self) -> tuple[str, ...]:
        """A note for each target with old prices."""
        books = {b.target: b.offer.prices.book for b in self.bills if b.offer}
        return tuple(text for target, book in books.items() if (text := book.old_text(target, self.today)))


def _places(runs: Decimal) -> list[Decimal]:
    """Numbers of runs from zero, ever further apart, including this one."""
    most = max(runs, Decimal(10)) * REACH
    step = (most.ln() / PLACES).exp()
    apart = {Decimal(0), Decimal(round(runs)), *(Decimal(round(step**n)) for n in range(PLACES + 1))}
    return sorted(apart)


def _cost(bill: Bill, usage: Usage) -> Decimal | None:
    """The cost, or None if a price is missing."""
    assert bill.offer is not None
    found = bill.offer.total(usage)
    return found.known if found.is_complete else None


def _crossings(
    one: Bill, other: Bill, usage: Usage, places: list[Decimal], costs: dict[str, list[Decimal | None]]
) -> Iterator[BreakEven]:
    before: tuple[Decimal, Decimal] | None = None
    for n, a, b in zip(places, costs[one.title], costs[other.title], strict=True):
        if a is None or b is None:
            return
        if a == b:
            continue
        if before is not None and (a - b > 0) != (before[1] > 0):
            cheaper, dearer = (one, other) if a < b else (other, one)
            runs = _between(cheaper, dearer, usage, int(before[0]), int(n))
            yield BreakEven(runs=runs, cheaper=cheaper.title, dearer=dearer.title)
        before = (n, a - b)


def _between(cheaper: Bill, dearer: Bill, usage: Usage, low: int, high: int) -> int:
    """The first number of runs above `low`, at most `high`, at which `cheaper` costs no more."""
    while high - low > 1:
        middle = (low + high) // 2
        a, b = (_cost(bill, usage.with_runs(Decimal(middle))) for bill in (cheaper, dearer))
        low, high = (low, middle) if a is not None and b is not None and a <= b else (middle, high)
    return high


CENT = Decimal("0.01")


def money_text(amount: Decimal) -> str:
    """`$1,234.50`; amounts under a cent have four places, or read `under $0.0001`."""
    if amount and abs(amount) < CENT:
        return f"${amount:.4f}" if amount >= Decimal("0.00005") else "under $0.0001"
    return f"${amount:,.2f}"


def total_text(total: Total) -> str:
    """`$12.30`, `at least $12.30`, or `unknown`."""
    if total.is_complete:
        return money_text(total.known)
    return f"at least {money_text(total.known)}" if total.known else "unknown"


def summary(comparison: Comparison) -> str:
    """The cheapest column, by how much, and the columns that cannot be decided."""
    priced = [bill for bill in comparison.bills if bill.is_priced]
    whole = sorted((b for b in priced if b.total().is_complete), key=lambda b: b.total().known)
    if not priced:
        return "No target has a price for this."
    if not whole:
        return "The cheapest target is unknown: no target has all its prices."
    best = whole[0]
    open_ = [b for b in priced if not b.total().is_complete and b.total().known < best.total().known]
    sentence = f"{_at(comparison)} {_best(best, whole)}"
    if open_:
        names = _join([f"{b.title} ({total_text(b.total())})" for b in open_])
        return f"{sentence}; whether {names} would cost less is unknown."
    return f"{sentence}."


def _at(comparison: Comparison) -> str:
    usage = comparison.usage
    return f"At {number_text(usage.runs)} runs a month of {number_text(usage.minutes)} minutes"


def _best(best: Bill, whole: list[Bill]) -> str:
    cost = money_text(best.total().known)
    if len(whole) == 1:
        return f"{best.title}, the only one with all prices, costs {cost} a month"
    ties = [b for b in whole[1:] if b.total().known == best.total().known]
    if ties:
        return f"{_join([best.title, *(b.title for b in ties)], 'and')} cost the same, {cost} a month"
    second = whole[1]
    less = money_text(second.total().known - best.total().known)
    return f"{best.title} costs least, {cost} a month, {less} less than {second.title}"


def _join(names: list[str], word: str = "or") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
