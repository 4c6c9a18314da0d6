"""A list price, its free tier, and a target's price book."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Literal

# A price's certainty: from the vendor's page, from its price API, or recalled from memory.
Sureness = Literal["page", "api", "recalled"]
ANYWHERE = "*"
OLD_AFTER = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """The unit price above a quantity; None if unknown."""

    above: Decimal
    value: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The cost of `per` units in one region or everywhere (`*`); `tiers` are the prices of further units.

    `sku` is the vendor's name: a usage type, meter id or SKU. `sha256` is that of the source file.
    """

    id: str
    value: Decimal
    unit: str
    region: str
    source: str
    as_of: date
    sure: Sureness
    sku: str = ""
    per: Decimal = Decimal(1)
    currency: str = "USD"
    tiers: tuple[Tier, ...] = ()
    sha256: str = ""

    @property
    def unit_price(self) -> Decimal:
        """The cost of a unit in the first tier."""
        return self.value / self.per

    def cost_of(self, quantity: Decimal) -> Decimal | None:
        """The cost of a quantity; None if a tier that it reaches is unknown."""
        starts = (Decimal(0), *(t.above for t in self.tiers))
        values = (self.value, *(t.value for t in self.tiers))
        total = Decimal(0)
        for start, end, value in zip(starts, (*starts[1:], None), values, strict=True):
            within = (quantity if end is None else min(quantity, end)) - start
            if within <= 0:
                break
            if value is None:
                return None
            total += within * value / self.per
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """An account's free quantity a month, shared by the prices it covers; everywhere, or in `regions`.

    If it is money, `credit` is the worth of a unit, so at a higher price it covers fewer units.
    """

    id: str
    covers: tuple[str, ...]
    quantity: Decimal
    unit: str
    source: str
    as_of: date
    sure: Sureness
    regions: tuple[str, ...] = ()
    credit: Decimal | None = None

    def holds_in(self, region: str) -> bool:
        return not self.regions or region in self.regions


@dataclass(frozen=True, kw_only=True)
class PriceBook:
    """A target's prices and allowances."""

    prices: tuple[Price, ...]
    allowances: tuple[Allowance, ...] = ()
    file: str = field(default="", compare=False)

    def find(self, id: str, region: str) -> Price | None:
        """The price in the region, else the one for everywhere, else None."""
        return self._by_place.get((id, region)) or self._by_place.get((id, ANYWHERE))

    def regions(self, id: str) -> tuple[str, ...]:
        """The regions of a price."""
        return tuple(sorted(region for known, region in self._by_place if known == id))

    def allowance(self, id: str, region: str) -> Allowance | None:
        """The allowance of a price in a region."""
        return next((a for a in self.allowances if id in a.covers and a.holds_in(region)), None)

    def stale_prices(self, today: date) -> tuple[Price, ...]:
        """The prices older than a quarter."""
        return tuple(p for p in self.prices if today - p.as_of > OLD_AFTER)

    def old_text(self, name: str, today: date) -> str:
        """A note about old prices; empty if there are none."""
        old = self.stale_prices(today)
        if not old:
            return ""
        count, oldest = f"{len(old)} of {len(self.prices)} prices", min(p.as_of for p in old)
        return f"{name}: {count} are older than {OLD_AFTER.days} days, the oldest of {oldest}"

    @cached_property
    def _by_place(self) -> dict[tuple[str, str], Price]:
        return {(p.id, p.region): p for p in self.prices}
