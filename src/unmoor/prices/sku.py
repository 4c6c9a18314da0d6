"""Where a price of a book is in its vendor's list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from unmoor.errors import UnmoorError


class RefreshError(UnmoorError):
    """A price list cannot be read, or a price is not in it; the text has a line for each reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuQuery:
    """The row of a price in a vendor's list: its file, its attributes, its units.

    `vendor` is a key of the target's PriceSources; `file` is an offer code or a service's name there. `units` maps each
    accepted unit of the vendor's to the number of the book's units in it. `everywhere`: one price for all regions.
    """

    price: str
    vendor: str
    file: str
    match: Mapping[str, str]
    units: Mapping[str, str]
    everywhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """A product's price above a quantity in a vendor's list; `key` is its id there."""

    key: str
    name: str
    unit: str
    above: Decimal
    value: Decimal
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """The result of a query: value and tiers in the book's unit, and the free quantity."""

    meter: SkuQuery
    region: str
    sku: str
    value: Decimal
    tiers: tuple[tuple[Decimal, Decimal], ...]
    free: Decimal
    source: str
    sha256: str
