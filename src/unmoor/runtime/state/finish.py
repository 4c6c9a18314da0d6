"""The end of a run that has no runner: cancelled while it waited, lost by its runner, or never started."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any, cast

from unmoor.runtime.clock import Clock
from unmoor.runtime.events import Finished, Started, Status, as_values
from unmoor.runtime.store import Store

from . import keys as layout
from .run_record import RunRecord, is_expired, read_record, to_json

LOST = "its runner gave no sign of life for a minute"
# Ends that no gateway says. A runner writes the event before the record.
SAID_BY_RUNNERS = ("succeeded", "timed_out", "over_budget")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CancelResult:
    """The run's record, and whether it is this that has ended it, since nobody ran it."""

    record: RunRecord
    here: bool = False


async def request_cancel(store: Store, run: str, *, clock: Clock) -> CancelResult | None:
    """Marks a run as cancelled, which its runner finds, and ends it where it has none; None where there is no run."""
    stored = await store.get(layout.run_record_key(run))
    if stored is None:
        return None
    if (record := read_record(run, stored.content)).is_final:
        return CancelResult(record=record)
    await store.put(layout.cancel_key(run), b"")
    ended = await finish_unowned(store, run, "cancelled", "cancelled", clock=clock)
    return CancelResult(record=ended or record, here=ended is not None)


async def finish_unowned(store: Store, run: str, status: Status, reason: str, *, clock: Clock) -> RunRecord | None:
    """Ends a run that nobody runs and returns its record; None where somebody runs it, or it has ended, meanwhile."""
    stored = await store.get(layout.run_record_key(run))
    if stored is None:
        return None
    record = read_record(run, stored.content)
    if record.is_final or not (record.status == "queued" or is_expired(record, clock())):
        return None
    now = clock()
    ended = dataclasses.replace(record, status=status, reason=reason, ended_at=now, lease=None)
    if await store.compare_and_swap(layout.run_record_key(run), to_json(ended), stored.version) is None:
        return None
    await append_finished_event(store, ended)
    return ended


async def recover_expired(store: Store, run: str, *, retries: int, clock: Clock) -> RunRecord | None:
    """What becomes of a run whose runner is dead: it waits again where its harness had not begun and an attempt is
    left, and is lost otherwise. None where it is not, or no longer, such a run."""
    stored = await store.get(layout.run_record_key(run))
    if stored is None or not is_expired(record := read_record(run, stored.content), clock()):
        return None
    events = [event async for event in _events(store, run)]
    said_end = bool(events) and events[-1]["type"] == Finished.type
    had_begun = any(event["type"] == Started.type for event in events)
    # A runner that takes a run whose last event is its end writes just that end into its record.
    if not said_end and (had_begun or record.attempt > retries):
        return await finish_unowned(store, run, "lost", LOST, clock=clock)
    again = dataclasses.replace(record, status="queued", lease=None)
    if await store.compare_and_swap(layout.run_record_key(run), to_json(again), stored.version) is None:
        return None
    await store.put(layout.queue_entry_key(run), to_json(again))  # a run that was never in a queue is in this one now
    return again


async def _events(store: Store, run: str) -> AsyncIterator[dict[str, Any]]:
    async for entry in store.list(layout.events_prefix(run)):
        stored = await store.get(entry.key)
        for line in stored.content.splitlines() if stored else []:
            yield json.loads(line)


async def append_finished_event(store: Store, ended: RunRecord) -> None:
    """The run's last event, with the number after the last one that its runner has written, unless it is there: whoever
    has ended the run may have been killed before this."""
    if ended.status in SAID_BY_RUNNERS or (last := await _last_event(store, ended.id)).get("type") == Finished.type:
        return
    number = last.get("n", 0) + 1
    event = Finished(
        status=cast(Status, ended.status),
        reason=ended.reason,
        tokens=ended.usage,
        cost_usd=ended.cost_usd,
        artifacts=(),
    )
    at = ended.ended_at.isoformat() if ended.ended_at else ""
    text = json.dumps({"n": number, "at": at, **as_values(event)}, ensure_ascii=False, separators=(",", ":")) + "\n"
    await store.put_if_absent(layout.event_segment_key(ended.id, number), text.encode(errors="replace"))


async def _last_event(store: Store, run: str) -> dict[str, Any]:
    keys = [entry.key async for entry in store.list(layout.events_prefix(run))]
    stored = await store.get(keys[-1]) if keys else None
    lines = stored.content.splitlines() if stored else []
    return json.loads(lines[-1]) if lines else {}
