"""A queue entry without its record: a gateway was killed in between, or retention removed the record."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from gateways import record

from unmoor.runtime.state import keys
from unmoor.runtime.state.queue_entry import RECOVERED_FOR, recover_record
from unmoor.runtime.state.run_record import RunRecord, to_json
from unmoor.runtime.store import open_store

OLD = RECOVERED_FOR + timedelta(minutes=1)


def recover(folder: Path, *, created: datetime, now: datetime) -> tuple[RunRecord | None, bool]:
    """What a look at the queue recovers, and whether the entry is still there."""

    async def act() -> tuple[RunRecord | None, bool]:
        store = open_store(folder.as_uri())
        queued = record(id=keys.run_id(created, 1), created_at=created)
        await store.put(keys.queue_entry_key(queued.id), to_json(queued))
        [entry] = [entry async for entry in store.list("queue/")]
        recovered = await recover_record(store, entry, queued.id, now=now)
        return recovered, await store.get(entry.key) is not None

    return asyncio.run(act())


@pytest.mark.parametrize(("age", "ahead"), [("new", OLD), ("old", timedelta(0))])
def test_a_new_entry_is_kept_whatever_the_gateways_clock_and_the_runs_age(
    tmp_path: Path, age: str, ahead: timedelta
) -> None:
    """The gateway's clock is ahead of the store's; or a delivery of hours ago came again and enqueued its run now."""
    now = datetime.now(UTC) + ahead
    recovered, is_queued = recover(tmp_path, created=now if age == "new" else now - OLD, now=now)
    assert recovered is not None
    assert is_queued


def test_an_old_entry_of_an_old_run_leaves_the_queue(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    assert recover(tmp_path, created=now, now=now + OLD) == (None, False)
