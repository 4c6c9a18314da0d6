"""A day's spending in the store, at `budget/DAY.json`: what each run has spent on that day (UTC)."""

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
MAX_WRITE_IDS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRecord:
    """A day's record; `version` is None if the store has none.

    `write_ids` are those of the last writes: after a lost response, a writer finds out by them whether it has written.
    """

    day: date
    runs: Mapping[str, Decimal]
    write_ids: tuple[str, ...]
    version: str | None

    @property
    def total(self) -> Decimal:
        return sum(self.runs.values(), NOTHING)

    def add(self, spent: Mapping[str, Decimal], write_id: str) -> DayRecord:
        """The record with more spent, still under the old version."""
        runs = {run: self.runs.get(run, NOTHING) + spent.get(run, NOTHING) for run in {**self.runs, **spent}}
        return replace(self, runs=runs, write_ids=(*self.write_ids, write_id)[-MAX_WRITE_IDS:])


def day_key(day: date) -> str:
    """The store key of a day's record."""
    return f"budget/{day.isoformat()}.json"


def parse_day_record(day: date, stored: StoredObject | None) -> DayRecord:
    """The stored record; TransientError if it is invalid, because without it nothing may be spent."""
    if stored is None:
        return DayRecord(day=day, runs=MappingProxyType({}), write_ids=(), version=None)
    try:
        raw = json.loads(stored.content)
        if raw["format"] != FORMAT:
            raise ValueError(f"format {raw['format']!r}")
        runs = {str(run): Decimal(usd) for run, usd in raw["runs"].items()}
        write_ids = tuple(map(str, raw["marks"]))
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise TransientError(f"{day_key(day)} is invalid ({error}); delete it to reset the day's spending") from None
    return DayRecord(day=day, runs=runs, write_ids=write_ids, version=stored.version)


def to_json(record: DayRecord) -> bytes:
    """The record as it is stored."""
    runs = {run: str(usd) for run, usd in sorted(record.runs.items())}
    day, total = record.day.isoformat(), str(record.total)
    return json.dumps({"day": day, "format": FORMAT, "marks": record.write_ids, "runs": runs, "usd": total}).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """A record as stored, and the spending that this write or an earlier one added to it."""

    record: DayRecord
    spent: Mapping[str, Decimal]


class DayRecords:
    """The records in a store, for one task at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # Writes without a response: their ids and what they spend.
        self._unconfirmed: dict[date, tuple[str, Mapping[str, Decimal]]] = {}

    async def read(self, day: date) -> DayRecord:
        return parse_day_record(day, await self._store.get(day_key(day)))

    async def add(self, day: date, spent: Mapping[str, Decimal], *, known: DayRecord | None) -> WriteResult | None:
        """Adds to a day's record (to `known` if it is still the newest); None if another writer was faster.

        TransientError if the store does not respond; the next call finds out whether it has written.
        """
        unconfirmed = self._unconfirmed.get(day)
        record = known if known and not unconfirmed else await self.read(day)
        self._unconfirmed.pop(day, None)
        if unconfirmed and unconfirmed[0] in record.write_ids:
            return WriteResult(record=record, spent=unconfirmed[1])
        write_id = secrets.token_hex(6)
        self._unconfirmed[day] = (write_id, spent)
        new = record.add(spent, write_id)
        key, content = day_key(day), to_json(new)
        if record.version is None:
            version = await self._store.put_if_absent(key, content)
        else:
            version = await self._store.compare_and_swap(key, content, record.version)
        del self._unconfirmed[day]
        return None if version is None else WriteResult(record=replace(new, version=version), spent=spent)
