"""A vendor's price list as a stream of rows, hashed while it is read."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from .sku import PriceRow, RefreshError, SkuQuery


@dataclass(slots=True, kw_only=True)
class PriceRows:
    """Rows of a list; `sha256` is set when they end. `source` is the vendor's own address, even if a copy is read."""

    source: str
    rows: Iterator[PriceRow]
    sha256: str = ""


class PriceList(Protocol):
    """A vendor's lists; `home` is the region of its common prices, `regions` matches its regions' names."""

    home: str
    regions: re.Pattern[str]

    def read(self, file: str, region: str, *, everywhere: bool) -> PriceRows:
        """The rows of a file in a region."""
        ...

    def texts(self, text: str, region: str) -> frozenset[str]:
        """The allowed texts of a query's attribute in a region."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSources:
    """A target's price queries, and the reader of each vendor in them."""

    queries: Sequence[SkuQuery]
    vendors: Mapping[str, Callable[[], PriceList]]


class Pages:
    """Pages of JSON, hashed one after the other."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def parse(self, content: bytes, url: str) -> dict[str, Any]:
        """The object in a page; numbers are Decimal, since 2.4e-05 is a price."""
        self._hash.update(content)
        try:
            found = json.loads(content, parse_float=Decimal, parse_int=Decimal)
        except (ValueError, RecursionError) as error:
            raise RefreshError(f"{url}: is not JSON: {error}") from None
        if not isinstance(found, dict):
            raise RefreshError(f"{url}: is not the object that is documented")
        return found


def number(text: object, where: str) -> Decimal:
    """A number of a list; RefreshError if it is invalid or negative."""
    try:
        found = Decimal(str(text))
    except InvalidOperation:
        raise RefreshError(f"{where}: {text!r} is not a number") from None
    if not found.is_finite() or found < 0:
        raise RefreshError(f"{where}: {text!r} is not a price")
    return found
