"""Run records out of a store, newest first, back to a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from unmoor.runtime.errors import UnmoorRuntimeError
from unmoor.runtime.state import keys
from unmoor.runtime.state.run_pages import key_after, run_ids
from unmoor.runtime.state.run_record import RunRecord, read_record
from unmoor.runtime.store import Store

AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecords:
    """The records, newest first, and the ids of those that this release cannot read."""

    records: tuple[RunRecord, ...] = ()
    unreadable: tuple[str, ...] = ()


async def runs_since(store: Store, since: datetime) -> RunRecords:
    """Every run created since then."""
    found, unreadable, after = list[RunRecord](), list[str](), ""
    while True:
        ids = await run_ids(store, after, AT_ONCE)
        recent = [run for run in ids if keys.creation_time(run) >= since]
        for run, record in zip(recent, await asyncio.gather(*(_record(store, run) for run in recent)), strict=True):
            if isinstance(record, RunRecord):
                found.append(record)
            elif record is False:
                unreadable.append(run)
        if len(recent) < len(ids) or len(ids) < AT_ONCE:
            return RunRecords(records=tuple(found), unreadable=tuple(unreadable))
        after = key_after(ids[-1])


async def _record(store: Store, run: str) -> RunRecord | bool | None:
    """The record; None if it was deleted, False if it is unreadable."""
    stored = await store.get(keys.run_record_key(run))
    if stored is None:
        return None
    try:
        return read_record(run, stored.content)
    except UnmoorRuntimeError:
        return False
