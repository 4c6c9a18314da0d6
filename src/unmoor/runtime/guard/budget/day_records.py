"""Reading the days' records in the store, and writing them by compare-and-swap."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from unmoor.runtime.store import Store

from .day_record import DayRecord, Hold, day_key, parse_day_record, to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """A record as stored, and the spending that this write or an earlier one added to it."""

    record: DayRecord
    spent: Mapping[str, Decimal]


class DayRecords:
    """The records in a store, for one task at a time; `guard` names the writer's hold."""

    def __init__(self, store: Store, guard: str) -> None:
        self._store, self._guard = store, guard
        # Writes without a response: their ids and what they spend.
        self._unconfirmed: dict[date, tuple[str, Mapping[str, Decimal]]] = {}

    async def read(self, day: date) -> DayRecord:
        return parse_day_record(day, await self._store.get(day_key(day)))

    async def write(self, record: DayRecord, spent: Mapping[str, Decimal], hold: Hold) -> WriteResult | None:
        """Adds spending to this record and replaces the guard's hold; None if another writer was faster.

        TransientError if the store does not respond; the next call finds out whether it has written.
        """
        day = record.day
        if unconfirmed := self._unconfirmed.get(day):
            stored = await self.read(day)
            del self._unconfirmed[day]
            written = unconfirmed[0] in stored.write_ids
            return WriteResult(record=stored, spent=unconfirmed[1]) if written else None
        write_id = secrets.token_hex(6)
        self._unconfirmed[day] = (write_id, spent)
        new = record.write(spent, guard=self._guard, hold=hold, write_id=write_id)
        key, content = day_key(day), to_json(new)
        if record.version is None:
            version = await self._store.put_if_absent(key, content)
        else:
            version = await self._store.compare_and_swap(key, content, record.version)
        del self._unconfirmed[day]
        return None if version is None else WriteResult(record=replace(new, version=version), spent=spent)
