"""Retention: what is older than it should be is removed, where the store's platform has no rule of its own for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from unmoor.runtime.errors import UnmoorRuntimeError
from unmoor.runtime.store.protocol import Store

from .run_record import read_record

# The budget's days and queue's marks are kept as long as runs are.
PREFIXES = ("runs/", "sessions/", "deliveries/", "budget/", "queue/fired/", "queue/outbox/")
# What lies in a folder below these goes together, when the newest of it is old.
WHOLE = ("runs/", "sessions/")


async def delete_expired(store: Store, *, now: datetime, keep_s: int) -> int:
    """Removes what was last written before `now - keep_s`, and says how many objects that were.

    A run is removed whole when its newest object is that old, and never while it waits or goes on; a session when no
    run has held it for that long.
    """
    oldest = now - timedelta(seconds=keep_s)
    removed = 0
    for prefix in PREFIXES:
        for folder, (keys, newest) in (await _folders(store, prefix)).items():
            if newest < oldest and not await _is_going_on(store, folder):
                for key in keys:
                    await store.delete(key)
                removed += len(keys)
    return removed


async def _folders(store: Store, prefix: str) -> dict[str, tuple[list[str], datetime]]:
    """The objects below a prefix by the folder that they go with, or by themselves, with the time of the newest."""
    found: dict[str, tuple[list[str], datetime]] = {}
    async for entry in store.list(prefix):
        name = entry.key.removeprefix(prefix)
        first = name.split("/", 1)[0] if prefix in WHOLE else name
        keys, newest = found.get(prefix + first, ([], entry.modified))
        found[prefix + first] = ([*keys, entry.key], max(newest, entry.modified))
    return found


async def _is_going_on(store: Store, folder: str) -> bool:
    """Whether a run waits to be run. One that runs renews its record, so that its folder is never old: what is old and
    says that it runs has been dead for as long. A record that cannot be read is no reason to keep anything."""
    if not folder.startswith("runs/"):
        return False
    stored = await store.get(f"{folder}/run.json")
    try:
        return stored is not None and read_record(folder.removeprefix("runs/"), stored.content).status == "queued"
    except UnmoorRuntimeError:
        return False
