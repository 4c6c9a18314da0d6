"""AWS's price list files, streamed as CSV: one line for each tier of each product.

https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api-fetching-price-list-files-manually.html
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from .fetch import open_url
from .price_list import PriceRows, number
from .sku import PriceRow, RefreshError

BASE = "https://pricing.us-east-1.amazonaws.com"
# A file begins with lines about itself; the one with the names of its columns begins with SKU.
MOST_HEAD_LINES = 20
NEEDED = ("sku", "termtype", "startingrange", "unit", "priceperunit", "currency", "usagetype")
# What usage types begin with in a region. Some of us-east-1's, the oldest, begin with nothing.
PREFIXES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "us-east-1": ("USE1-", ""),
        "us-east-2": ("USE2-",),
        "us-west-1": ("USW1-",),
        "us-west-2": ("USW2-",),
        "ca-central-1": ("CAN1-",),
        "sa-east-1": ("SAE1-",),
        "eu-west-1": ("EU-", "EUW1-"),
        "eu-west-2": ("EUW2-",),
        "eu-west-3": ("EUW3-",),
        "eu-central-1": ("EUC1-",),
        "eu-north-1": ("EUN1-",),
        "eu-south-1": ("EUS1-",),
        "ap-south-1": ("APS3-",),
        "ap-east-1": ("APE1-",),
        "ap-northeast-1": ("APN1-",),
        "ap-northeast-2": ("APN2-",),
        "ap-northeast-3": ("APN3-",),
        "ap-southeast-1": ("APS1-",),
        "ap-southeast-2": ("APS2-",),
        "me-south-1": ("MES1-",),
        "af-south-1": ("AFS1-",),
    }
)


class Aws:
    """The lists under an address."""

    home = "us-east-1"
    regions = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")

    def __init__(self, base: str = "") -> None:
        self._base = (base or os.environ.get("UNMOOR_PRICES_AWS") or BASE).rstrip("/")

    def read(self, file: str, region: str, *, everywhere: bool) -> PriceRows:
        place = "" if everywhere else f"{region}/"
        path = f"/offers/v1.0/aws/{file}/current/{place}index.csv"
        found = PriceRows(source=f"{BASE}{path}", rows=iter(()))
        found.rows = _rows(f"{self._base}{path}", found)
        return found

    def texts(self, text: str, region: str) -> frozenset[str]:
        if "{prefix}" not in text:
            return frozenset({text})
        if region not in PREFIXES:
            raise RefreshError(
                f"{region}: what AWS's usage types begin with there is not known; known: {', '.join(PREFIXES)}"
            )
        return frozenset(text.replace("{prefix}", prefix) for prefix in PREFIXES[region])


def _rows(url: str, found: PriceRows) -> Iterator[PriceRow]:
    stream = open_url(url)
    try:
        with io.TextIOWrapper(io.BufferedReader(stream, 1 << 20), encoding="utf-8-sig", newline="") as text:
            lines = csv.reader(text)
            names = _names(lines, url)
            for cells in lines:
                row = dict(zip(names, cells, strict=False))
                if row.get("termtype") == "OnDemand" and row.get("currency") == "USD":
                    yield _row(row, url)
    except (csv.Error, UnicodeDecodeError) as error:
        raise RefreshError(f"{url}: is no CSV: {error}") from None
    found.sha256 = stream.digest.hexdigest()


def _names(lines: Iterator[list[str]], url: str) -> list[str]:
    """The columns, by names without spaces and capitals: they are written in several ways."""
    for _, cells in zip(range(MOST_HEAD_LINES), lines, strict=False):
        names = [cell.lower().replace(" ", "") for cell in cells]
        if names and names[0] == "sku":
            if missing := [name for name in NEEDED if name not in names]:
                raise RefreshError(f"{url}: has no column {', '.join(missing)}")
            return names
    raise RefreshError(f"{url}: is not a price list: no line in its first {MOST_HEAD_LINES} begins with SKU")


def _row(row: Mapping[str, str], url: str) -> PriceRow:
    where = f"{url}: {row['sku']}"
    return PriceRow(
        key=row["sku"],
        name=row["usagetype"],
        unit=row["unit"],
        above=number(row["startingrange"] or "0", where),
        value=number(row["priceperunit"], where),
        attributes=row,
    )
