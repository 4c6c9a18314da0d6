"""The verdict: one sentence about a comparison, which says what its numbers say and nothing else."""

from __future__ import annotations

from decimal import Decimal

from .comparison import Bill, Comparison
from .line import Total
from .usage import number_text

CENT = Decimal("0.01")


def money_text(amount: Decimal) -> str:
    """`$1,234.50`; what is less than a cent is shown to four places, or as less than that."""
    if amount and abs(amount) < CENT:
        return f"${amount:.4f}" if amount >= Decimal("0.00005") else "under $0.0001"
    return f"${amount:,.2f}"


def total_text(total: Total) -> str:
    """`$12.30`, `at least $12.30`, or `unknown` where nothing of it is known."""
    if total.is_complete:
        return money_text(total.known)
    return f"at least {money_text(total.known)}" if total.known else "unknown"


def summary(comparison: Comparison) -> str:
    """Which column costs least, by how much, and of which that cannot be said."""
    priced = [bill for bill in comparison.bills if bill.is_priced]
    whole = sorted((b for b in priced if b.total().is_complete), key=lambda b: b.total().known)
    if not priced:
        return "No target has a price for this."
    if not whole:
        return "Which costs least cannot be said: no target's cost is known in full."
    best = whole[0]
    open_ = [b for b in priced if not b.total().is_complete and b.total().known < best.total().known]
    said = f"{_at(comparison)} {_best(best, whole)}"
    if open_:
        names = _listed([f"{b.title} ({total_text(b.total())})" for b in open_])
        return f"{said}; whether {names} would cost less cannot be said."
    return f"{said}."


def _at(comparison: Comparison) -> str:
    usage = comparison.usage
    return f"At {number_text(usage.runs)} runs a month of {number_text(usage.minutes)} minutes"


def _best(best: Bill, whole: list[Bill]) -> str:
    cost = money_text(best.total().known)
    if len(whole) == 1:
        return f"{best.title}, the only one whose cost is known in full, costs {cost} a month"
    ties = [b for b in whole[1:] if b.total().known == best.total().known]
    if ties:
        return f"{_listed([best.title, *(b.title for b in ties)], 'and')} cost the same, {cost} a month"
    second = whole[1]
    less = money_text(second.total().known - best.total().known)
    return f"{best.title} costs least, {cost} a month, {less} less than {second.title}"


def _listed(names: list[str], word: str = "or") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
