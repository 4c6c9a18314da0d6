"""Pricing of usage items; a free tier is deducted in order and shared by the prices that it covers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from .line import NOTHING, CostLine, UsageItem
from .price_book import Allowance, Price, PriceBook
from .units import convert


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricer:
    """A price book for a calculator; `free_tier` tells whether free tiers are deducted."""

    book: PriceBook
    free_tier: bool = True

    def lines(self, uses: Iterable[UsageItem], region: str) -> list[CostLine]:
        """A line item for each nonzero usage; ValueError if its unit does not fit its price."""
        left: dict[str, Decimal] = {}
        return [self._line(use, region, left) for use in uses if use.quantity]

    def _line(self, use: UsageItem, region: str, left: dict[str, Decimal]) -> CostLine:
        price = self.book.find(use.price, region)
        if price is None:
            return _unknown(use, use.quantity, use.unit, self._lacks(use.price, region))
        quantity = convert(use.quantity, use.unit, price.unit)
        allowance = self.book.allowance(price.id, region) if self.free_tier else None
        free = _take_free(quantity, price, allowance, left) if allowance else NOTHING
        amount = price.cost_of(quantity - free)
        if amount is None:
            return _unknown(use, quantity, price.unit, f"no price of so much {price.id}: the book ends below it")
        return CostLine(
            part=use.part,
            kind=use.kind,
            what=use.what,
            quantity=quantity,
            unit=price.unit,
            free=free,
            price=price,
            amount=amount,
            note=use.note,
        )

    def _lacks(self, id: str, region: str) -> str:
        known = self.book.regions(id)
        return f"no price of {id} in {region}" + (f", only in {', '.join(known)}" if known else "")


def _unknown(use: UsageItem, quantity: Decimal, unit: str, why: str) -> CostLine:
    return CostLine(
        part=use.part, kind=use.kind, what=use.what, quantity=quantity, unit=unit, unknown=why, note=use.note
    )


def _take_free(quantity: Decimal, price: Price, allowance: Allowance, left: dict[str, Decimal]) -> Decimal:
    """The free part of a quantity, deducted from the rest of the allowance."""
    # Given as money, a unit pays for as many units as its worth buys at this price.
    credit, each = (
        (allowance.credit, price.unit_price) if allowance.credit and price.unit_price else (Decimal(1), Decimal(1))
    )
    there = left.get(allowance.id, allowance.quantity)
    most = convert(there, allowance.unit, price.unit) * credit / each
    free = min(quantity, most)
    left[allowance.id] = NOTHING if free == most else there - convert(free, price.unit, allowance.unit) * each / credit
    return free
