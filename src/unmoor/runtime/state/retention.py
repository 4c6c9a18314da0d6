"""Deletes expired objects, where the store's platform has no lifecycle rule for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from unmoor.runtime.store.protocol import Store

from .keys import OUTBOX
from .recorded_time import dedup_time, read_run, run_time, session_time, time_in_key

# The budget's days and the dedup keys are kept as long as runs.
PREFIXES = ("runs/", "sessions/", "deliveries/", "budget/", "queue/fired/", "queue/outbox/")
# A folder below these expires as a whole.
WHOLE = ("runs/", "sessions/")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """What expires as a whole: its name, its objects, and the time of the newest, as the store has it."""

    name: str
    keys: Sequence[str]
    modified: datetime


async def delete_expired(store: Store, *, now: datetime, keep_s: int) -> int:
    """Deletes what was last used before `now - keep_s`, and returns the number of objects.

    A run is deleted as a whole once it ended that long ago, and never while it is queued or running; a session once no
    run has used it for that long. The time is that of the record or the key; the store's own counts only for objects
    that have neither.
    """
    oldest = now - timedelta(seconds=keep_s)
    removed = 0
    for prefix in PREFIXES:
        for unit in await _units(store, prefix):
            if await _is_expired(store, unit, oldest):
                for key in unit.keys:
                    await store.delete(key)
                removed += len(unit.keys)
    return removed


async def _units(store: Store, prefix: str) -> list[_Unit]:
    found: dict[str, tuple[list[str], datetime]] = {}
    async for entry in store.list(prefix):
        name = entry.key.removeprefix(prefix)
        first = name.split("/", 1)[0] if prefix in WHOLE else name
        keys, newest = found.get(prefix + first, ([], entry.modified))
        found[prefix + first] = ([*keys, entry.key], max(newest, entry.modified))
    return [_Unit(name=name, keys=keys, modified=newest) for name, (keys, newest) in found.items()]


async def _is_expired(store: Store, unit: _Unit, oldest: datetime) -> bool:
    in_key = time_in_key(unit.name)
    if in_key is not None and in_key >= oldest:
        return False
    if unit.name.startswith("runs/") and in_key is not None:
        record = await read_run(store, unit.name.removeprefix("runs/"))
        return record is None or (record.status != "queued" and run_time(record) < oldest)
    if in_key is not None and not unit.name.startswith(OUTBOX):
        return True
    if unit.name.startswith("sessions/"):
        return (await session_time(store, unit.name) or unit.modified) < oldest
    # A reply is written again at each attempt to send it. Of dedup keys, only those are read that the store calls old.
    return unit.modified < oldest and (await dedup_time(store, unit.name) or unit.modified) < oldest
