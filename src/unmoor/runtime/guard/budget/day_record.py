"""A day's spending in the store, at `budget/DAY.json`: what each run has spent on that day (UTC), and guards' holds.

A hold is money that one guard may spend without writing again: it covers that guard's requests in progress and its
spending that is not written yet.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from unmoor.runtime.errors import TransientError
from unmoor.runtime.store import StoredObject

FORMAT = 1
NOTHING = Decimal(0)
MAX_WRITE_IDS = 64
Amounts = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A guard's hold for each run. From `until` on it counts as spent, because its guard no longer renews it."""

    until: datetime
    runs: Amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRecord:
    """A day's record; `version` is None if the store has none.

    `write_ids` are those of the last writes: after a lost response, a writer finds out by them whether it has written.
    """

    day: date
    runs: Amounts
    holds: Mapping[str, Hold]
    write_ids: tuple[str, ...]
    version: str | None

    @property
    def total(self) -> Decimal:
        return sum(self.runs.values(), NOTHING)

    def sum_other_holds(self, guard: str, now: datetime, *, expired: bool) -> dict[str, Decimal]:
        """The holds of all other guards by run: those that are in force, or those that have expired."""
        held: dict[str, Decimal] = {}
        for name, hold in self.holds.items():
            if name != guard and (hold.until <= now) == expired:
                held = add_amounts(held, hold.runs)
        return held

    def write(self, spent: Amounts, *, guard: str, hold: Hold, write_id: str) -> DayRecord:
        """The record with more spent and this guard's new hold, still under the old version."""
        holds = {**self.holds, guard: hold}
        if not hold.runs:
            del holds[guard]
        write_ids = (*self.write_ids, write_id)[-MAX_WRITE_IDS:]
        return replace(self, runs=add_amounts(self.runs, spent), holds=holds, write_ids=write_ids)


def add_amounts(amounts: Amounts, more: Amounts) -> dict[str, Decimal]:
    """The sum of both for each run."""
    return {run: amounts.get(run, NOTHING) + more.get(run, NOTHING) for run in {**amounts, **more}}


def day_key(day: date) -> str:
    """The store key of a day's record."""
    return f"budget/{day.isoformat()}.json"


def parse_day_record(day: date, stored: StoredObject | None) -> DayRecord:
    """The stored record; TransientError if it is invalid, because without it nothing may be spent."""
    if stored is None:
        return DayRecord(day=day, runs=MappingProxyType({}), holds=MappingProxyType({}), write_ids=(), version=None)
    try:
        raw = json.loads(stored.content)
        if raw["format"] != FORMAT:
            raise ValueError(f"format {raw['format']!r}")
        runs = _parse_amounts(raw["runs"])
        # A guard of an earlier release writes none.
        holds = {str(guard): _parse_hold(hold) for guard, hold in raw.get("holds", {}).items()}
        write_ids = tuple(map(str, raw["marks"]))
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise TransientError(f"{day_key(day)} is invalid ({error}); delete it to reset the day's spending") from None
    return DayRecord(day=day, runs=runs, holds=holds, write_ids=write_ids, version=stored.version)


def to_json(record: DayRecord) -> bytes:
    """The record as it is stored."""
    content = {
        "day": record.day.isoformat(),
        "format": FORMAT,
        "holds": {
            guard: {"until": hold.until.isoformat(), "runs": _amounts_json(hold.runs)}
            for guard, hold in record.holds.items()
        },
        "marks": record.write_ids,
        "runs": _amounts_json(record.runs),
        "usd": str(record.total),
    }
    return json.dumps(content).encode()


def _parse_amounts(raw: Mapping[str, Any]) -> dict[str, Decimal]:
    return {str(run): Decimal(usd) for run, usd in raw.items()}


def _parse_hold(raw: Mapping[str, Any]) -> Hold:
    return Hold(until=datetime.fromisoformat(raw["until"]), runs=_parse_amounts(raw["runs"]))


def _amounts_json(amounts: Amounts) -> dict[str, str]:
    return {run: str(usd) for run, usd in sorted(amounts.items())}
