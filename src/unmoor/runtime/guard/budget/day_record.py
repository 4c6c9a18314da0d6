"""A day's spending as it lies in the store under `budget/`: what each run has spent on that day (UTC)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from unmoor.runtime.errors import TransientError
from unmoor.runtime.store import Store, StoredObject

FORMAT = 1
NOTHING = Decimal(0)
MOST_MARKS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRecord:
    """What lies in the store for a day; `version` is None where nothing does.

    `marks` are those of the last writes: a writer that got no answer finds out by them whether it has written.
    """

    day: date
    runs: Mapping[str, Decimal]
    marks: tuple[str, ...]
    version: str | None

    @property
    def total(self) -> Decimal:
        return sum(self.runs.values(), NOTHING)

    def with_spent(self, more: Mapping[str, Decimal], mark: str) -> DayRecord:
        """This book with more spent; its version is still the old one."""
        runs = {run: self.runs.get(run, NOTHING) + more.get(run, NOTHING) for run in {**self.runs, **more}}
        return replace(self, runs=runs, marks=(*self.marks, mark)[-MOST_MARKS:])


def key_of(day: date) -> str:
    return f"budget/{day.isoformat()}.json"


def read_book(day: date, stored: StoredObject | None) -> DayRecord:
    """The book that was stored; InfrastructureFault for what is none, since nothing may be spent blindly."""
    if stored is None:
        return DayRecord(day=day, runs=MappingProxyType({}), marks=(), version=None)
    try:
        raw = json.loads(stored.content)
        if raw["format"] != FORMAT:
            raise ValueError(f"format {raw['format']!r}")
        runs = {str(run): Decimal(usd) for run, usd in raw["runs"].items()}
        marks = tuple(map(str, raw["marks"]))
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise TransientError(
            f"{key_of(day)} cannot be understood ({error}); delete it to begin the day again"
        ) from None
    return DayRecord(day=day, runs=runs, marks=marks, version=stored.version)


def to_json(book: DayRecord) -> bytes:
    """What is stored for it."""
    spent = {run: str(usd) for run, usd in sorted(book.runs.items())}
    values = {"day": book.day.isoformat(), "format": FORMAT, "marks": book.marks, "runs": spent, "usd": str(book.total)}
    return json.dumps(values).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """A book as it now lies in the store, and what of the spending has got into it."""

    book: DayRecord
    spent: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doubt:
    """A write that got no answer."""

    mark: str
    spent: Mapping[str, Decimal]


class DayRecords:
    """The books in a store. Not for two tasks at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._doubts: dict[date, _Doubt] = {}

    async def read(self, day: date) -> DayRecord:
        return read_book(day, await self._store.get(key_of(day)))

    async def add(self, day: date, spent: Mapping[str, Decimal], *, known: DayRecord | None) -> WriteResult | None:
        """Adds to a day's book (to `known`, if that is still the newest); None where somebody else was faster.

        InfrastructureFault where the store gave no answer: the next call finds out whether it has written all the same.
        """
        doubt = self._doubts.get(day)
        book = known if known and not doubt else await self.read(day)
        self._doubts.pop(day, None)
        if doubt and doubt.mark in book.marks:
            return WriteResult(book=book, spent=doubt.spent)
        mark = secrets.token_hex(6)
        self._doubts[day] = _Doubt(mark=mark, spent=spent)
        new = book.with_spent(spent, mark)
        key, content = key_of(day), to_json(new)
        if book.version is None:
            version = await self._store.put_if_absent(key, content)
        else:
            version = await self._store.compare_and_swap(key, content, book.version)
        del self._doubts[day]
        return None if version is None else WriteResult(book=replace(new, version=version), spent=spent)
