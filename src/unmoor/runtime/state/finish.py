"""Ends runs without a runner: cancelled while queued, lost, or never started."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, cast

from unmoor.runtime.clock import Clock
from unmoor.runtime.events import Finished, Started, Status, as_values
from unmoor.runtime.store import Store

from . import keys as layout
from .lease_times import lease_times
from .run_record import Lease, RunRecord, is_expired, load_record, to_json, transition

EXITED = "runner lost: its container or process ended without a result"
# Only runners set these. A runner writes the event before the record.
SET_BY_RUNNERS = ("succeeded", "timed_out", "over_budget")
# A runner writes its record rarely: the second attempt almost always succeeds.
ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelResult:
    """The run's record, and whether this request ended it, because it had no runner."""

    record: RunRecord
    ended: bool = False


async def request_cancel(store: Store, run: str, *, clock: Clock) -> CancelResult | None:
    """Requests a cancellation, which the run's runner reads at its next renewal; ends a run without one. None for an
    unknown run."""
    if (loaded := await load_record(store, run)) is None:
        return None
    if (record := loaded[0]).is_final:
        return CancelResult(record=record)
    await store.put(layout.cancel_key(run), b"")
    ended = await finish_unowned(store, run, "cancelled", "cancelled", clock=clock)
    if ended is None:
        await _flag_cancel(store, run)
    return CancelResult(record=ended or record, ended=ended is not None)


async def _flag_cancel(store: Store, run: str) -> None:
    """Sets the record's flag; the runner may write at the same time, so a few attempts may be needed."""
    for _ in range(ATTEMPTS):
        loaded = await load_record(store, run)
        if loaded is None or loaded[0].is_final or loaded[0].cancel_requested:
            return
        flagged = replace(loaded[0], cancel_requested=True)
        if await store.compare_and_swap(layout.run_record_key(run), to_json(flagged), loaded[1]) is not None:
            return


async def finish_unowned(
    store: Store, run: str, status: Status, reason: str, *, clock: Clock, silent: Lease | None = None
) -> RunRecord | None:
    """Ends a run that has no runner and returns its record; None where it has a runner, or has ended meanwhile.
    `silent` is the lease of a runner that is known to be gone: it counts as expired."""
    for _ in range(ATTEMPTS):
        if (loaded := await load_record(store, run)) is None:
            return None
        record, version = loaded
        if record.is_final or not (record.status == "queued" or _is_over(record, clock, silent)):
            return None
        ended = transition(record, status, reason=reason, ended_at=clock())
        if await store.compare_and_swap(layout.run_record_key(run), to_json(ended), version) is not None:
            await append_finished_event(store, ended)
            return ended
    return None


async def recover_expired(
    store: Store, run: str, *, retries: int, clock: Clock, silent: Lease | None = None
) -> RunRecord | None:
    """Queues a run again whose lease has expired, if its harness had not started and an attempt is left; otherwise ends
    it as lost, or as cancelled if that was requested. None where the lease has not expired; `silent` is the lease of a
    runner that is known to be gone."""
    loaded = await load_record(store, run)
    if loaded is None or not _is_over(loaded[0], clock, silent):
        return None
    record, version = loaded
    segments = [entry.key async for entry in store.list(layout.events_prefix(run))]
    types = [event["type"] for key in segments for event in await _segment(store, key)]
    has_ended = types[-1:] == [Finished.type]
    if record.cancel_requested and not has_ended:
        return await finish_unowned(store, run, "cancelled", "cancelled", clock=clock, silent=silent)
    # If the last event is the run's end, the next runner only writes that end into the record.
    if not has_ended and (Started.type in types or record.attempt > retries):
        reason = EXITED if silent is not None else f"runner lost: no heartbeat for {lease_times(store).lease_s:.0f} s"
        return await finish_unowned(store, run, "lost", reason, clock=clock, silent=silent)
    again = transition(record, "queued")
    if await store.compare_and_swap(layout.run_record_key(run), to_json(again), version) is None:
        return None
    await store.put(layout.queue_entry_key(run), to_json(again))  # it may never have been queued
    return again


def _is_over(record: RunRecord, clock: Clock, silent: Lease | None) -> bool:
    """Whether the record's lease has expired, or is the silent one: then nobody has renewed it since."""
    return is_expired(record, clock()) or (record.status == "running" and silent is not None and record.lease == silent)


async def append_finished_event(store: Store, ended: RunRecord) -> None:
    """Appends the run's last event, unless it exists: the process that ended the run may have been killed before."""
    if ended.status in SET_BY_RUNNERS:
        return
    segments = [entry.key async for entry in store.list(layout.events_prefix(ended.id))]
    events = await _segment(store, segments[-1]) if segments else []
    last = events[-1] if events else {}
    if last.get("type") == Finished.type:
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


async def _segment(store: Store, key: str) -> list[dict[str, Any]]:
    stored = await store.get(key)
    return [json.loads(line) for line in stored.content.splitlines()] if stored else []
