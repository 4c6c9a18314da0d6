"""Deletes expired objects, where the store's platform has no lifecycle rule for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from unmoor.runtime.errors import UnmoorRuntimeError
from unmoor.runtime.store.protocol import Store

from .run_record import read_record

# The budget's days and the dedup keys are kept as long as runs.
PREFIXES = ("runs/", "sessions/", "deliveries/", "budget/", "queue/fired/", "queue/outbox/")
# A folder below these expires as a whole, by its newest object.
WHOLE = ("runs/", "sessions/")


async def delete_expired(store: Store, *, now: datetime, keep_s: int) -> int:
    """Deletes what was last written before `now - keep_s`, and returns the number of objects.

    A run is deleted as a whole by its newest object, and never while it is queued or running; a session once no run has
    used it for that long.
    """
    oldest = now - timedelta(seconds=keep_s)
    removed = 0
    for prefix in PREFIXES:
        for folder, (keys, newest) in (await _folders(store, prefix)).items():
            if newest < oldest and not await _is_queued(store, folder):
                for key in keys:
                    await store.delete(key)
                removed += len(keys)
    return removed


async def _folders(store: Store, prefix: str) -> dict[str, tuple[list[str], datetime]]:
    """The objects below a prefix, by the folder or object that expires, with the time of the newest."""
    found: dict[str, tuple[list[str], datetime]] = {}
    async for entry in store.list(prefix):
        name = entry.key.removeprefix(prefix)
        first = name.split("/", 1)[0] if prefix in WHOLE else name
        keys, newest = found.get(prefix + first, ([], entry.modified))
        found[prefix + first] = ([*keys, entry.key], max(newest, entry.modified))
    return found


async def _is_queued(store: Store, folder: str) -> bool:
    """Whether the folder is a queued run's. A running run renews its record, so its folder is never old. A record that
    cannot be read does not protect its folder."""
    if not folder.startswith("runs/"):
        return False
    stored = await store.get(f"{folder}/run.json")
    try:
        return stored is not None and read_record(folder.removeprefix("runs/"), stored.content).status == "queued"
    except UnmoorRuntimeError:
        return False
