"""A target's price book: the prices.json beside its cost.py, read strictly, with a line for each mistake."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from typing import Any, cast, get_args

from unmoor.errors import UnmoorError

from .price_book import Allowance, Price, PriceBook, Sureness, Tier
from .units import convert, is_known_unit

FILE = "prices.json"
FORMAT = 1


class BookError(UnmoorError):
    """A price book is invalid; the message has a line for each reason."""


def load_price_book(module: str) -> PriceBook:
    """The book beside that module, such as a target's `cost`; empty if it has none."""
    package = module.rpartition(".")[0]
    file = files(package) / FILE if package else None
    if file is None or not file.is_file():
        return PriceBook(prices=())
    return _read(file.read_bytes(), f"{package}/{FILE}")


def read_book(content: bytes, file: str) -> PriceBook:
    """The book in that JSON; BookError with every mistake in it."""
    try:
        raw = json.loads(content, object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError) as error:
        raise BookError(f"{file}: not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise BookError(f"{file}: a book is an object with format, prices and allowances")
    values, problems = cast("dict[str, Any]", raw), list[str]()
    problems += [f"{key}: no book has that; remove it" for key in values if key not in ("format", *KINDS)]
    if values.get("format") != FORMAT:
        problems.append(f"format: {values.get('format')!r} is not one that this release reads; write {FORMAT}")
    found = {kind: list(_entries(values.get(kind, []), kind, problems)) for kind in KINDS}
    problems += _clashes(found["prices"], found["allowances"])
    if problems:
        raise BookError("\n".join(f"{file}: {problem}" for problem in problems))
    return PriceBook(prices=tuple(found["prices"]), allowances=tuple(found["allowances"]), file=file)


@functools.lru_cache(maxsize=32)
def _read(content: bytes, file: str) -> PriceBook:
    return read_book(content, file)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key!r} is given twice")
        found[key] = value
    return found


def _entries(raw: Any, kind: str, problems: list[str]) -> Iterator[Any]:
    if not isinstance(raw, list):
        problems.append(f"{kind}: write a list")
        return
    for index, entry in enumerate(cast("list[Any]", raw)):
        where = f"{kind}[{index}]"
        if not isinstance(entry, dict):
            problems.append(f"{where}: write an object")
            continue
        value = _entry(KINDS[kind], cast("dict[str, Any]", entry), where, problems)
        if value is not None:
            yield value


def _entry(kind: type[Any], raw: Mapping[str, Any], where: str, problems: list[str]) -> Any:
    """The entry, or None after adding its problems."""
    before, members = len(problems), dict[str, Any]()
    known_fields = {f.name: f for f in fields(kind)}
    where = f"{where} ({raw['id']})" if isinstance(raw.get("id"), str) else where
    for key in [k for k in raw if k not in known_fields]:
        problems.append(f"{where}.{key}: no member has that name; known: {', '.join(known_fields)}")
    for name, field in known_fields.items():
        if name not in raw:
            if field.default is MISSING:
                problems.append(f"{where}.{name}: is required and missing")
            continue
        try:
            members[name] = READ[name](raw[name])
        except (ValueError, TypeError, InvalidOperation) as error:
            problems.append(f"{where}.{name}: {json.dumps(raw[name])} is not allowed; {_hint(error)}")
    return kind(**members) if len(problems) == before else None


def _hint(error: Exception) -> str:
    return "write a decimal number in quotes" if isinstance(error, InvalidOperation) else str(error)


def _clashes(prices: list[Price], allowances: list[Allowance]) -> Iterator[str]:
    """Conflicts between valid entries."""
    seen = set[tuple[str, str]]()
    for price in prices:
        if (price.id, price.region) in seen:
            yield f"prices: {price.id} has two prices in {price.region}; keep one"
        seen.add((price.id, price.region))
        starts = [t.above for t in price.tiers]
        if starts != sorted(set(starts)) or any(s <= 0 for s in starts):
            yield f"prices: {price.id} in {price.region}: tiers begin above 0, each above the one before"
    units = {p.id: p.unit for p in prices}
    for allowance in allowances:
        for id in allowance.covers:
            if id not in units:
                yield f"allowances: {allowance.id} covers {id}, which has no price"
            elif not _same_kind(allowance.unit, units[id]):
                yield f"allowances: {allowance.id} is in {allowance.unit}, and {id} in {units[id]}"


def _same_kind(unit: str, other: str) -> bool:
    try:
        convert(Decimal(1), unit, other)
    except ValueError:
        return False
    return True


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value or value != value.strip():
        raise ValueError("write a text")
    return value


def _money(value: Any) -> Decimal:
    """A decimal in quotes, since JSON numbers are often read as floats."""
    if not isinstance(value, str):
        raise ValueError("write a decimal number in quotes")
    number = Decimal(value)
    if not number.is_finite() or number < 0:
        raise ValueError("write a number that is not below 0")
    return number


def _positive(value: Any) -> Decimal:
    number = _money(value)
    if number == 0:
        raise ValueError("write a number above 0")
    return number


def _unit(value: Any) -> str:
    if not is_known_unit(_text(value)):
        raise ValueError("write a unit such as vCPU-hour, GiB-month or request")
    return value


def _url(value: Any) -> str:
    if not _text(value).startswith("https://"):
        raise ValueError("write the https:// address that it is from")
    return value


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(_text(value))
    except ValueError:
        raise ValueError("write a day such as 2026-10-01") from None


def _sure(value: Any) -> Sureness:
    if value not in get_args(Sureness):
        raise ValueError(f"write one of {', '.join(get_args(Sureness))}")
    return value


def _currency(value: Any) -> str:
    if value != "USD":
        raise ValueError("all books are in USD")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("write a list of texts")
    return tuple(_text(v) for v in cast("list[Any]", value))


def _tiers(value: Any) -> tuple[Tier, ...]:
    if not isinstance(value, list):
        raise ValueError('write a list of {"above": "100", "value": "0.05"}')
    return tuple(_tier(v) for v in cast("list[Any]", value))


def _tier(value: Any) -> Tier:
    if not isinstance(value, dict) or set(cast("dict[str, Any]", value)) != {"above", "value"}:
        raise ValueError('a tier is {"above": "100", "value": "0.05"}, or null for a price that is not known')
    tier = cast("dict[str, Any]", value)
    return Tier(above=_money(tier["above"]), value=None if tier["value"] is None else _money(tier["value"]))


def _optional(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


KINDS: Mapping[str, type[Any]] = {"prices": Price, "allowances": Allowance}
READ: Mapping[str, Callable[[Any], Any]] = {
    "id": _text,
    "value": _money,
    "unit": _unit,
    "region": _text,
    "source": _url,
    "as_of": _day,
    "sure": _sure,
    "sku": _text,
    "per": _positive,
    "currency": _currency,
    "tiers": _tiers,
    "sha256": _text,
    "covers": _texts,
    "quantity": _positive,
    "regions": _texts,
    "credit": _optional(_positive),
}
