"""A target's book made new: its meters are read in the regions asked for, file by file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from importlib import import_module
from importlib.util import find_spec
from itertools import groupby
from types import MappingProxyType

from unmoor.pricing.price_book import ANYWHERE, PriceBook

from .diff import Refreshed, diff_book
from .match import match_rates
from .price_list import PriceList
from .sku import Rate, RefreshError, SkuQuery, Vendor

# How each vendor writes its regions, which are distinct.
PLACES: Mapping[Vendor, re.Pattern[str]] = MappingProxyType(
    {
        "aws": re.compile(r"[a-z]{2}(-[a-z]+)+-\d"),
        "google": re.compile(r"[a-z]+-[a-z]+\d+"),
        "azure": re.compile(r"[a-z]+\d?"),
    }
)


def meters_of(module: str) -> tuple[SkuQuery, ...]:
    """The meters beside that module, such as a target's `cost`; none where it has none."""
    name = f"{module.rpartition('.')[0]}.meters"
    return import_module(name).METERS if find_spec(name) else ()


def refresh(
    book: PriceBook,
    meters: Sequence[SkuQuery],
    *,
    sources: Mapping[Vendor, PriceList],
    regions: Sequence[str],
    today: date,
    said: Callable[[str], None] = lambda line: None,
) -> Refreshed:
    """The book with its prices in these regions, or in all that it has, as the vendors have them today."""
    if not meters:
        raise RefreshError("no meter of a vendor is known for its prices; change its prices.json by hand")
    vendors = {meter.vendor for meter in meters}
    for region in regions:
        if _vendor(region) not in vendors:
            raise RefreshError(f"{region}: is no region of {' or '.join(sorted(vendors))}")
    known = dict.fromkeys(p.region for p in book.prices if p.region != ANYWHERE)
    wanted = list(regions) or [region for region in known if _vendor(region) in vendors]
    found, problems = list[Rate](), list[str]()
    for region in wanted:
        for file, vendor, everywhere, members in _files(meters, region):
            said(f"reading {file} of {region}")
            source = sources[vendor]
            try:
                found += match_rates(source, source.read(file, region, everywhere=everywhere), members, region)
            except RefreshError as error:
                problems.append(str(error))
    if problems:
        raise RefreshError("\n".join(problems))
    made = diff_book(book, found, homes=[s.home for s in sources.values()], today=today)
    left = dict.fromkeys(p.id for p in book.prices if p.id not in {m.price for m in meters})
    notes = [f"not in any list that is read: {', '.join(left)}; change by hand"] if left else []
    return Refreshed(book=made.book, changes=made.changes, notes=(*made.notes, *notes))


def _files(meters: Sequence[SkuQuery], region: str) -> Iterator[tuple[str, Vendor, bool, list[SkuQuery]]]:
    """Each file of the region's vendor once, with the meters that are in it."""
    own = [meter for meter in meters if meter.vendor == _vendor(region)]
    key = lambda meter: (meter.file, meter.vendor, meter.everywhere)  # noqa: E731
    for (file, vendor, everywhere), members in groupby(sorted(own, key=key), key=key):
        yield file, vendor, everywhere, list(members)


def _vendor(region: str) -> Vendor | None:
    return next((vendor for vendor, pattern in PLACES.items() if pattern.fullmatch(region)), None)
