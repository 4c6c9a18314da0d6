"""A line item, and a total that lists its missing amounts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from .price_book import Price

# What a line grows with, in the order in which they are shown: with nothing, with runs, with what is kept of them,
# with what leaves the platform, with tokens.
Kind = Literal["fixed", "runs", "storage", "traffic", "model"]
KINDS: tuple[Kind, ...] = ("fixed", "runs", "storage", "traffic", "model")
NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class UsageItem:
    """A quantity of a priced item for one part of the agent; `note` is an assumption about it."""

    part: str
    kind: Kind
    what: str
    price: str
    quantity: Decimal
    unit: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """A month's line item: quantity, minus the free tier, times the unit price.

    `amount` is None if unknown, and `unknown` is the reason. `quantity` and `free` are in `unit`, the price's own if
    there is one. `part` is a part of the agent, or `model`.
    """

    part: str
    kind: Kind
    what: str
    quantity: Decimal
    unit: str
    free: Decimal = NOTHING
    price: Price | None = None
    amount: Decimal | None = None
    unknown: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The sum of known amounts, and the reasons for unknown ones."""

    known: Decimal = NOTHING
    missing: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        return not self.missing

    def __add__(self, other: Total) -> Total:
        return Total(known=self.known + other.known, missing=tuple(dict.fromkeys((*self.missing, *other.missing))))


def total(lines: Iterable[CostLine], *kinds: Kind) -> Total:
    """The sum of the lines, or of those of these kinds."""
    known, missing = NOTHING, dict[str, None]()
    for line in lines:
        if kinds and line.kind not in kinds:
            continue
        if line.amount is None:
            missing[line.unknown] = None
        else:
            known += line.amount
    return Total(known=known, missing=tuple(missing))
