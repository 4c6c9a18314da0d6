"""Pages of runs, newest first; only the runs of the page are read."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from unmoor.runtime.state import keys
from unmoor.runtime.state.run_record import RunRecord, read_record
from unmoor.runtime.store import Store

PREFIX = "runs/"
# A run with more objects than this is skipped by key instead of being listed to its end.
JUMP_AFTER = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """Some runs, and the id after which the next page begins, empty on the last one."""

    runs: tuple[RunRecord, ...]
    next_cursor: str


async def list_runs(store: Store, *, limit: int, cursor: str = "") -> RunPage:
    """The runs after the cursor, a run's id or empty."""
    ids = await run_ids(store, key_after(cursor) if cursor else "", limit + 1)
    stored = await asyncio.gather(*(store.get(keys.run_record_key(run)) for run in ids[:limit]))
    return RunPage(
        runs=tuple(read_record(run, s.content) for run, s in zip(ids, stored, strict=False) if s is not None),
        next_cursor=ids[limit - 1] if len(ids) > limit else "",
    )


async def run_ids(store: Store, after: str, most: int) -> list[str]:
    """The ids of the newest runs with keys after this one."""
    found: list[str] = []
    while True:
        objects = 0
        async for entry in store.list(PREFIX, after=after):
            run = entry.key.removeprefix(PREFIX).split("/", 1)[0]
            objects = objects + 1 if found and run == found[-1] else 0
            if objects > JUMP_AFTER:
                break
            if objects == 0:
                if len(found) == most:
                    return found
                if keys.RUN_ID.fullmatch(run):
                    found.append(run)
        else:
            return found
        after = key_after(found[-1])


def key_after(run: str) -> str:
    """A key after every object of the run and before the next run's: `0` follows `/`."""
    return f"{PREFIX}{run}0"
