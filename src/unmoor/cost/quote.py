"""A quote: a target with an accepted plan, which can be priced for any usage without compiling again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from unmoor.errors import BrokenTargetError
from unmoor.plan import Plan
from unmoor.pricing.line import CostLine, Kind, Total, total
from unmoor.pricing.price_book_file import load_price_book
from unmoor.pricing.pricer import Pricer
from unmoor.pricing.usage import Usage
from unmoor.target import Settings, Target
from unmoor.target.choose import SelectedTarget
from unmoor.target.registry import distribution

from .model_tokens import model_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A target that accepts the plan, with settings and prices on a day."""

    target: Target
    plan: Plan
    settings: Settings
    prices: Pricer
    today: date

    def lines(self, usage: Usage) -> tuple[CostLine, ...]:
        """Every line of a month's bill, the model's last; BrokenTargetError if the target fails."""
        if not self.target.cost_by:
            why = f"{self.target.name} does not report its cost"
            silent = CostLine(part="run", kind="fixed", what="all", quantity=Decimal(1), unit="month", unknown=why)
            return (silent, *model_lines(self.plan.model, usage, self.today))
        try:
            own = self.target.cost(self.plan, self.settings, usage, self.prices)
        except Exception as error:  # a target is anybody's code, and its mistake must harm no other
            raise _broken(self.target, "to reckon what it costs", error) from error
        return (*own, *model_lines(self.plan.model, usage, self.today))

    def total(self, usage: Usage, *kinds: Kind) -> Total:
        """The month's total, or that of some kinds of lines."""
        return total(self.lines(usage), *kinds)

    def warnings(self, usage: Usage) -> tuple[str, ...]:
        """Warnings about usage that exceeds the plan."""
        busiest, most = usage.most_at_once, self.plan.run.max_concurrent
        if usage.runs * usage.minutes > Decimal(730 * 60) * most:
            return (f"run.max_concurrent {most} leaves no time for so many runs",)
        if busiest > most:
            return (f"{busiest:.1f} runs at once in the busiest hour, over run.max_concurrent {most}: some wait",)
        return ()


def quote(chosen: SelectedTarget, *, today: date, free_tier: bool) -> Quote:
    """The quote of a target that accepts the plan; BookError if its price book is invalid."""
    module = chosen.target.cost_by.partition(":")[0]
    try:
        book = load_price_book(module)
    except ImportError as error:
        raise _broken(chosen.target, "to find its price book", error) from error
    prices = Pricer(book=book, free_tier=free_tier)
    return Quote(target=chosen.target, plan=chosen.loaded.plan, settings=chosen.settings, prices=prices, today=today)


def _broken(target: Target, what: str, error: Exception) -> BrokenTargetError:
    reason = f"{type(error).__name__}: {error}"
    return BrokenTargetError(f"target {target.name} from {distribution(target.name)} failed {what}: {reason}")
