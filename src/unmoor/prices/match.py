"""Matching of rows to queries: exactly one product for each, or an error with the candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches

from .price_list import PriceList, PriceRows
from .sku import PriceRow, Rate, RefreshError, SkuQuery

# Names that are kept to be shown where a meter is not found.
MOST_NAMES, SHOWN = 50_000, 8


def match_rates(source: PriceList, read: PriceRows, meters: Sequence[SkuQuery], region: str) -> list[Rate]:
    """The rates of one file; RefreshError with every query that does not match exactly one product."""
    queries = [(meter, {name: source.texts(text, region) for name, text in meter.match.items()}) for meter in meters]
    found: dict[str, list[PriceRow]] = {meter.price: [] for meter in meters}
    names: dict[str, None] = {}
    for row in read.rows:
        if len(names) < MOST_NAMES:
            names[row.name] = None
        for meter, texts in queries:
            if all(row.attributes.get(name) in allowed for name, allowed in texts.items()):
                found[meter.price].append(row)
    problems, rates = list[str](), list[Rate]()
    for meter, texts in queries:
        try:
            rates.append(_rate(meter, texts, found[meter.price], list(names), read, region))
        except RefreshError as error:
            problems.append(str(error))
    if problems:
        raise RefreshError("\n".join(problems))
    return rates


def _rate(
    meter: SkuQuery,
    texts: Mapping[str, frozenset[str]],
    rows: list[PriceRow],
    names: list[str],
    read: PriceRows,
    region: str,
) -> Rate:
    where = f"{meter.price} in {region}"
    criteria = ", ".join(f"{name} {' or '.join(sorted(filter(None, allowed)))}" for name, allowed in texts.items())
    if not rows:
        likest = sorted(next(iter(texts.values())), key=len)[-1]
        near = get_close_matches(likest, names, n=SHOWN, cutoff=0.4)
        shown = f"; nearest: {', '.join(near)}" if near else ""
        raise RefreshError(f"{where}: {meter.file} has nothing with {criteria}{shown}")
    if len({row.key for row in rows}) > 1:
        lines = "".join(f"\n  {_candidate(row)}" for row in rows[:SHOWN])
        raise RefreshError(f"{where}: {meter.file} has several with {criteria}:{lines}")
    rows = list({(row.unit, row.above, row.value): row for row in rows}.values())
    units = {row.unit for row in rows}
    if len(units) > 1 or (unit := units.pop()) not in meter.units:
        raise RefreshError(
            f"{where}: {rows[0].name} is counted in {', '.join(sorted({r.unit for r in rows}))}, "
            f"not in {' or '.join(meter.units)}"
        )
    return _rate_of_tiers(meter, sorted(rows, key=lambda row: row.above), Decimal(meter.units[unit]), read, region)


def _candidate(row: PriceRow) -> str:
    return f"{row.key}: {row.name}, {row.value:f} for {row.unit} above {row.above:f}"


def _rate_of_tiers(meter: SkuQuery, rows: list[PriceRow], holds: Decimal, read: PriceRows, region: str) -> Rate:
    """A rate with tiers; a first tier that costs nothing is the free quantity, which a book lists separately."""
    where = f"{meter.price} in {region}"
    starts = [row.above for row in rows]
    if starts[0] != 0 or len(set(starts)) != len(starts):
        raise RefreshError(f"{where}: tiers of {rows[0].name} begin at {', '.join(f'{s:f}' for s in starts)}")
    free = rows[1].above if rows[0].value == 0 and len(rows) > 1 else Decimal(0)
    paid = rows[1:] if free else rows
    if any(row.value == 0 for row in paid):
        raise RefreshError(f"{where}: {rows[0].name} costs nothing there, which is no list price")
    each = [(row.above - free, row.value / holds) for row in paid]
    return Rate(
        meter=meter,
        region=region,
        sku=rows[0].attributes.get("usagetype") or rows[0].key,
        value=each[0][1],
        tiers=tuple((above * holds, value) for above, value in each[1:]),
        free=free * holds,
        source=read.source,
        sha256=read.sha256,
    )
