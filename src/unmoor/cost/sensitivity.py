"""The impact of each assumption, and its range within which the cheapest target stays the cheapest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from unmoor.pricing.usage import WORDS, Usage, number_text

from .comparison import Bill, Comparison

HALF, DOUBLE = Decimal("0.5"), Decimal(2)
# How far up and down an assumption is moved, in steps of a half more, and how closely the end of a range is found.
MOST, STEP, CLOSE = Decimal(100), Decimal("1.5"), Decimal("1.01")
# More of these than of those that they are among says nothing.
PARTS_OF = {"cached_tokens": "input_tokens"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """The cheapest target's cost with half and with twice an assumption."""

    name: str
    words: str
    half: Decimal
    double: Decimal

    @property
    def size(self) -> Decimal:
        return abs(self.double - self.half)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """The range of an assumption within which the cheapest stays the cheapest, and the cheapest beyond it.

    An end is None if nothing changes down to a hundredth or up to a hundred times.
    """

    name: str
    words: str
    low: Decimal | None = None
    below: str = ""
    high: Decimal | None = None
    above: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """Impacts and ranges for the cheapest column `of`; all empty if no column is fully priced."""

    of: str = ""
    swings: tuple[Impact, ...] = ()
    ranges: tuple[Range, ...] = ()


def sensitivity(comparison: Comparison) -> Sensitivity:
    best = _best(comparison.bills, comparison.usage)
    if best is None:
        return Sensitivity()
    return Sensitivity(of=best.title, swings=impacts(comparison), ranges=break_points(comparison))


def impacts(comparison: Comparison) -> tuple[Impact, ...]:
    """The assumptions that change the cheapest's cost, the largest impact first."""
    best = _best(comparison.bills, comparison.usage)
    if best is None or best.offer is None:
        return ()
    cost = best.offer.total
    found = [
        Impact(
            name=name,
            words=WORDS[name].format(number_text(getattr(comparison.usage, name))),
            half=cost(_scale_assumption(comparison.usage, name, HALF)).known,
            double=cost(_scale_assumption(comparison.usage, name, DOUBLE)).known,
        )
        for name in _variable_assumptions(comparison.usage)
    ]
    return tuple(sorted((s for s in found if s.size), key=lambda s: -s.size))


def break_points(comparison: Comparison) -> tuple[Range, ...]:
    """The ranges of assumptions within which the cheapest target stays the cheapest; none with one target."""
    best = _best(comparison.bills, comparison.usage)
    if best is None:
        return ()
    moving = (name for name in _variable_assumptions(comparison.usage) if _differs_between_columns(comparison, name))
    found = [_range(comparison, best, name) for name in moving]
    return tuple(one for one in found if one.low is not None or one.high is not None)


def swing_lines(comparison: Comparison) -> list[str]:
    """The largest impact, and the ranges, as text."""
    from .comparison import money_text

    best, found = _best(comparison.bills, comparison.usage), impacts(comparison)
    if best is None or not found:
        return []
    top = found[0]
    lines = [
        f"the assumption with the largest effect on {best.title}, the cheapest with all prices: {top.words}; "
        f"with half of it {money_text(top.half)} a month, with twice {money_text(top.double)}"
    ]
    return [*lines, *(f"{best.title} stays the cheapest {range_text(one)}" for one in break_points(comparison))]


def range_text(one: Range) -> str:
    """`above 12 runs a month (below it vm-docker) and below 480 runs a month (from there on aws-ecs)`."""
    low = "" if one.low is None else f"above {_value_text(one.name, one.low)} (below it {one.below})"
    high = "" if one.high is None else f"below {_value_text(one.name, one.high)} (from there on {one.above})"
    return " and ".join(filter(None, (low, high)))


def _value_text(name: str, value: Decimal) -> str:
    """A value with three significant digits."""
    rounded = value.quantize(Decimal(1).scaleb(value.adjusted() - 2))
    return WORDS[name].format(number_text(rounded))


def _best(bills: tuple[Bill, ...], usage: Usage) -> Bill | None:
    """The cheapest column with complete prices."""
    found: tuple[Decimal, Bill] | None = None
    for bill in bills:
        if not bill.is_priced or bill.offer is None:
            continue
        total = bill.offer.total(usage)
        if total.is_complete and (found is None or total.known < found[0]):
            found = (total.known, bill)
    return found[1] if found else None


def _differs_between_columns(comparison: Comparison, name: str) -> bool:
    """Whether the assumption changes columns differently; tokens, for example, change all equally."""
    moves = {
        tuple(
            bill.offer.total(_scale_assumption(comparison.usage, name, by)).known - bill.total().known
            for by in (1 / MOST, MOST)
        )
        for bill in comparison.bills
        if bill.is_priced and bill.offer is not None
    }
    return len(moves) > 1


def _variable_assumptions(usage: Usage) -> list[str]:
    return [name for name in WORDS if getattr(usage, name)]


def _scale_assumption(usage: Usage, name: str, by: Decimal) -> Usage:
    value = getattr(usage, name) * by
    if name in PARTS_OF:
        value = min(value, getattr(usage, PARTS_OF[name]))
    moved = replace(usage, **{name: value})
    return replace(moved, cached_tokens=min(moved.cached_tokens, moved.input_tokens))


def _range(comparison: Comparison, best: Bill, name: str) -> Range:
    usage, here = comparison.usage, getattr(comparison.usage, name)

    def cheapest(by: Decimal) -> Bill | None:
        return _best(comparison.bills, _scale_assumption(usage, name, by))

    down, below = _find_end(cheapest, best, 1 / STEP)
    up, above = _find_end(cheapest, best, STEP)
    return Range(
        name=name,
        words=WORDS[name].format(number_text(here)),
        low=None if down is None else here * down,
        below=below,
        high=None if up is None else here * up,
        above=above,
    )


def _find_end(cheapest: Callable[[Decimal], Bill | None], best: Bill, step: Decimal) -> tuple[Decimal | None, str]:
    """The factor at which another column becomes the cheapest, found by bisection; None if none does."""
    inside, outside = Decimal(1), step
    while True:
        if not 1 / MOST <= outside <= MOST:
            return None, ""
        other = cheapest(outside)
        if other is not None and other.title != best.title:
            break
        inside, outside = outside, outside * step
    while max(inside, outside) / min(inside, outside) > CLOSE:
        middle = (inside * outside).sqrt()
        found = cheapest(middle)
        if found is not None and found.title != best.title:
            outside, other = middle, found
        else:
            inside = middle
    return outside, other.title
