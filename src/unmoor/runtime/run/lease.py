"""A runner's lease on a run: while it lasts, no other process changes the record.

The lease is in run.json, acquired and renewed by compare-and-swap. A runner that finds the record changed by another
process has lost the lease: it terminates its harness and writes nothing more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from unmoor.runtime.clock import Clock
from unmoor.runtime.errors import UnmoorRuntimeError
from unmoor.runtime.state import keys
from unmoor.runtime.state.lease_times import lease_times
from unmoor.runtime.state.run_record import Lease, RunRecord, RunStatus, read_record, to_json, transition
from unmoor.runtime.store.protocol import Store
from unmoor.runtime.store.swap import swap_record


class LeaseLost(UnmoorRuntimeError):
    """The run does not exist, has ended, or is leased by another runner."""


class RunLease:
    """The record as this runner last wrote it, and the version that it must still have."""

    def __init__(self, store: Store, record: RunRecord, version: str, clock: Clock) -> None:
        self._store = store
        self._version = version
        self._clock = clock
        self._lock = asyncio.Lock()
        self.record = record

    async def update(self, status: RunStatus = "running", **fields: Any) -> RunRecord:
        """Write the status, these fields and a renewed lease; LeaseLost if another runner changed the record."""
        async with self._lock:
            self.record, self._version = await swap_record(
                self._store,
                keys.run_record_key(self.record.id),
                self.record,
                self._version,
                change=lambda record: self._change(record, status, fields),
                encode=to_json,
                decode=lambda content: read_record(self.record.id, content),
                is_own=self._is_own,
                lost=LeaseLost(f"run {self.record.id} was taken by another runner"),
            )
            return self.record

    def _change(self, record: RunRecord, status: RunStatus, fields: Mapping[str, Any]) -> RunRecord:
        lease = record.lease and replace(record.lease, expires_at=self._clock() + lease_times(self._store).lease)
        return transition(record, status, lease=lease, **fields)

    def _is_own(self, found: RunRecord) -> bool:
        return (
            found.lease is not None and self.record.lease is not None and found.lease.owner == self.record.lease.owner
        )


def _hold(record: RunRecord) -> tuple[RunStatus, int, Lease | None]:
    """The fields that change with the run's holder."""
    return record.status, record.attempt, record.lease


async def acquire_lease(store: Store, run: str, *, owner: str, clock: Clock, **fields: Any) -> RunLease:
    """Lease a queued run, or one whose lease has expired, and set these fields of its record; LeaseLost otherwise."""
    key = keys.run_record_key(run)
    stored = await store.get(key)
    if stored is None:
        raise LeaseLost(f"run {run} is not in the store")
    record = read_record(run, stored.content)
    if record.is_final:
        raise LeaseLost(f"run {run} has ended: {record.status}")
    if record.lease is not None and record.lease.owner == owner:
        return RunLease(store, record, stored.version, clock)  # acquired before, but the answer was lost
    if record.lease is not None and record.lease.expires_at > clock():
        raise LeaseLost(f"run {run} is run by {record.lease.owner}")

    def take(found: RunRecord) -> RunRecord:
        lease = Lease(owner=owner, expires_at=clock() + lease_times(store).lease)
        started = found.started_at or clock()
        return transition(found, "running", started_at=started, attempt=found.attempt + 1, lease=lease, **fields)

    taken, version = await swap_record(
        store,
        key,
        record,
        stored.version,
        change=take,
        encode=to_json,
        decode=lambda content: read_record(run, content),
        # A gateway may have announced a follower meanwhile.
        is_own=lambda found: _hold(found) == _hold(record),
        lost=LeaseLost(f"run {run} was taken by another runner"),
    )
    return RunLease(store, taken, version, clock)
