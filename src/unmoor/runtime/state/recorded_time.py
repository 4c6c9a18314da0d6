"""When what the store holds was last used, by what is written in it.

A file's own time can be changed by whoever can name the file, and after a restored backup it is the restoration's.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from unmoor.runtime.errors import UnmoorRuntimeError
from unmoor.runtime.store.protocol import Store

from . import keys
from .run_record import RunRecord, read_record

# A run's folder or reply, a day of the budget, and an object of the delivery log, which is named as a run is.
OF_A_RUN = re.compile(rf"(?:runs/|{keys.OUTBOX})({keys.RUN_ID.pattern})")
DAY = re.compile(r"budget/(\d{4}-\d{2}-\d{2})\.json")
LOG_ENTRY = re.compile(rf"{keys.DELIVERY_LOG}[^/]+/([{keys.DIGITS}]{{9}}-[{keys.DIGITS}]{{7}})\.ndjson")


def time_in_key(key: str) -> datetime | None:
    """The time that an object's name says: a run's creation, a day's end, an entry of the delivery log; else None."""
    if run := OF_A_RUN.fullmatch(key):
        return keys.creation_time(run[1])
    if entry := LOG_ENTRY.fullmatch(key):
        return keys.creation_time(f"run-{entry[1]}")
    if day := DAY.fullmatch(key):
        return _time(f"{day[1]}T23:59:59+00:00")
    return None


async def read_run(store: Store, run: str) -> RunRecord | None:
    """The record; None if there is none, or if it cannot be read."""
    stored = await store.get(keys.run_record_key(run))
    try:
        return read_record(run, stored.content) if stored else None
    except UnmoorRuntimeError:
        return None


def run_time(record: RunRecord) -> datetime:
    """When a run ended, or until when its runner had it."""
    return record.ended_at or (record.lease.expires_at if record.lease else record.created_at)


async def session_time(store: Store, folder: str) -> datetime | None:
    """When the last run that used the session had it; None if the record does not say it."""
    values = await _values(store, f"{folder}/session.json")
    times = [time for name in ("saved_at", "until") if (time := _time(values.get(name)))]
    return max(times, default=None)


async def dedup_time(store: Store, key: str) -> datetime | None:
    """The creation of the run that a dedup key names; None if it names none."""
    named = keys.RUN_ID.search(str((await _values(store, key)).get("run", "")))
    return keys.creation_time(named[0]) if named else None


async def _values(store: Store, key: str) -> dict[str, Any]:
    stored = await store.get(key)
    try:
        values = json.loads(stored.content) if stored else {}
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _time(text: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
