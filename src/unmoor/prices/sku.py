"""Meters: where a price of a book stands in its vendor's list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from unmoor.errors import UnmoorError

Vendor = Literal["aws", "azure", "google"]


class RefreshError(UnmoorError):
    """A price list cannot be read, or does not say what a price is; the text has a line for each reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuQuery:
    """The row that a price is: in which file, with which attributes, in which units.

    `file` is an offer code of AWS, a service's name of Azure or Google. `units` says how many of the book's unit one of
    the vendor's is: a list that counts in another one is refused. `everywhere`: the list has it for all regions.
    """

    price: str
    vendor: Vendor
    file: str
    match: Mapping[str, str]
    units: Mapping[str, str]
    everywhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """What a product costs above a quantity, as a vendor's list has it; `key` is the product's own id there."""

    key: str
    name: str
    unit: str
    above: Decimal
    value: Decimal
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What was found of a meter: value and tiers in the book's unit, and how much the list has free of it."""

    meter: SkuQuery
    region: str
    sku: str
    value: Decimal
    tiers: tuple[tuple[Decimal, Decimal], ...]
    free: Decimal
    source: str
    sha256: str
