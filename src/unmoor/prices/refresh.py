"""Refresh a target's price book: read its meters in the requested regions, file by file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby

from unmoor.pricing.price_book import ANYWHERE, PriceBook

from .diff import Refreshed, diff_book
from .match import match_rates
from .price_list import PriceList
from .sku import Rate, RefreshError, SkuQuery


def refresh(
    book: PriceBook,
    meters: Sequence[SkuQuery],
    *,
    sources: Mapping[str, PriceList],
    regions: Sequence[str],
    today: date,
    said: Callable[[str], None] = lambda line: None,
) -> Refreshed:
    """The book with today's prices in these regions, by default in all of its own."""
    if not meters:
        raise RefreshError("its prices are in no vendor's list; change its prices.json by hand")
    used = {meter.vendor: sources[meter.vendor] for meter in meters}
    for region in regions:
        if not _vendor(region, used):
            raise RefreshError(f"{region}: is not a region of {' or '.join(sorted(used))}")
    known = dict.fromkeys(p.region for p in book.prices if p.region != ANYWHERE)
    selected = list(regions) or [region for region in known if _vendor(region, used)]
    found, problems = list[Rate](), list[str]()
    for region in selected:
        for file, vendor, everywhere, members in _files([m for m in meters if m.vendor == _vendor(region, used)]):
            said(f"reading {file} of {region}")
            source = sources[vendor]
            try:
                found += match_rates(source, source.read(file, region, everywhere=everywhere), members, region)
            except RefreshError as error:
                problems.append(str(error))
    if problems:
        raise RefreshError("\n".join(problems))
    refreshed = diff_book(book, found, homes=[s.home for s in sources.values()], today=today)
    left = dict.fromkeys(p.id for p in book.prices if p.id not in {m.price for m in meters})
    notes = [f"not in any list that is read: {', '.join(left)}; change by hand"] if left else []
    return Refreshed(book=refreshed.book, changes=refreshed.changes, notes=(*refreshed.notes, *notes))


def _files(meters: Sequence[SkuQuery]) -> Iterator[tuple[str, str, bool, list[SkuQuery]]]:
    """Each file once, with the meters in it."""
    key = lambda meter: (meter.file, meter.vendor, meter.everywhere)  # noqa: E731
    for (file, vendor, everywhere), members in groupby(sorted(meters, key=key), key=key):
        yield file, vendor, everywhere, list(members)


def _vendor(region: str, sources: Mapping[str, PriceList]) -> str:
    """The vendor with such a region; empty if none has."""
    return next((vendor for vendor, source in sources.items() if source.regions.fullmatch(region)), "")
