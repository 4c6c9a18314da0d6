"""A price book as text with one price a line, for readable diffs."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import MISSING, Field, fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from unmoor.pricing.price_book import PriceBook, Tier
from unmoor.pricing.price_book_file import FORMAT

from .sku import RefreshError

# The order in which a line has them, what is asked for most first.
ORDER = ("id", "covers", "region", "value", "quantity", "unit", "per", "sku", "tiers", "source", "as_of", "sure")


def book_text(book: PriceBook) -> str:
    """The JSON of a book."""
    prices, allowances = _block(book.prices), _block(book.allowances)
    return f'{{\n "format": {FORMAT},\n "prices": {prices},\n "allowances": {allowances}\n}}\n'


def write_book(file: Path, text: str) -> None:
    """Replace the file atomically, following a link; RefreshError if that fails."""
    real = file.resolve()
    try:
        mode = real.stat().st_mode & 0o777
        handle, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as opened:
                opened.write(text)
            os.chmod(name, mode)
            os.replace(name, real)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
    except OSError as error:
        raise RefreshError(f"{real}: cannot be written: {error.strerror}") from None


def _block(entries: Iterable[Any]) -> str:
    lines = [f"  {json.dumps(_values(entry))}" for entry in entries]
    return "[\n" + ",\n".join(lines) + "\n ]" if lines else "[]"


def _values(entry: Any) -> dict[str, Any]:
    known = {field.name: field for field in fields(entry)}
    names = [*(n for n in ORDER if n in known), *(n for n in known if n not in ORDER)]
    return {n: _plain(getattr(entry, n)) for n in names if not _is_default(known[n], getattr(entry, n))}


def _is_default(field: Field[Any], value: Any) -> bool:
    return field.default is not MISSING and field.default == value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value != value.to_integral_value() else f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Tier):
        return {"above": _plain(value.above), "value": _plain(value.value)}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
