"""Hosted platforms for reference: the same usage at their prices, and their known features."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from unmoor.pricing.line import CostLine, Total, total

from .comparison import Bill, Comparison
from .hosted_platform_data import PLATFORMS
from .hosted_platforms import HostedPlatform

# What stands over them wherever they are shown.
TITLE = "for reference, no targets"
EXPLAINED = (
    "the same runs at the compute prices of hosted platforms, without the model; what no source says is unknown, "
    "which is not no"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A platform and the cost of the runs on it."""

    platform: HostedPlatform
    lines: tuple[CostLine, ...]

    @property
    def total(self) -> Total:
        return total(self.lines)


def references(comparison: Comparison, bill: Bill | None = None) -> tuple[Reference, ...]:
    """Costs by platform, for the run size of that column or the first priced one."""
    offer = (bill or next((b for b in comparison.bills if b.offer), Bill(target=""))).offer
    if offer is None:
        return ()
    return tuple(
        Reference(platform=one, lines=one.lines(offer.plan, comparison.usage, free_tier=comparison.free_tier))
        for one in PLATFORMS
    )


def old_references(found: Iterable[Reference], today: date) -> tuple[str, ...]:
    """A note for each platform with old prices."""
    texts = (one.platform.book.old_text(one.platform.name, today) for one in found)
    return tuple(filter(None, texts))
