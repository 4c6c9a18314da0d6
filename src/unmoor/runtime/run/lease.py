"""A runner's hold on a run: while it lasts, nobody else changes the record.

The hold is a lease in run.json, taken and renewed by compare-and-swap. A runner that finds the record changed by
somebody else has lost it, and ends its harness without another word: whoever took the record decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from unmoor.runtime.clock import Clock
from unmoor.runtime.errors import TransientError, UnmoorRuntimeError
from unmoor.runtime.state import keys
from unmoor.runtime.state.run_record import Lease, RunRecord, RunStatus, read_record, to_json, transition
from unmoor.runtime.store.protocol import Store

LEASE = timedelta(seconds=60)
CONFLICTS = 3


class LeaseLost(UnmoorRuntimeError):
    """The run is not there, has ended, or is somebody else's."""


class RunLease:
    """The record as this runner last wrote it, and the version that it must still have."""

    def __init__(self, store: Store, record: RunRecord, version: str, clock: Clock) -> None:
        self._store = store
        self._version = version
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self.record = record

    async def update(self, status: RunStatus = "running", **fields: Any) -> RunRecord:
        """Writes the status, these fields and a renewed lease; LeaseLost where the lease is another's."""
        async with self._one_at_a_time:
            for _ in range(CONFLICTS):
                wanted = self._changed(status, fields)
                version = await self._store.compare_and_swap(
                    keys.run_record_key(wanted.id), to_json(wanted), self._version
                )
                if version is not None:
                    self.record, self._version = wanted, version
                elif not await self._settled(wanted):
                    continue
                return wanted
        raise TransientError(f"run {self.record.id}: its record changes faster than it can be written")

    def _changed(self, status: RunStatus, fields: Mapping[str, Any]) -> RunRecord:
        lease = self.record.lease and replace(self.record.lease, expires_at=self._clock() + LEASE)
        return transition(self.record, status, lease=lease, **fields)

    async def _settled(self, wanted: RunRecord) -> bool:
        """Whether a write that looks like a lost hold was made though its answer was lost: the content tells. False
        where it was not, and the hold is not lost either, since an earlier write of this runner's came late."""
        stored = await self._store.get(keys.run_record_key(wanted.id))
        found = stored and read_record(wanted.id, stored.content)
        if not stored or not found or (found != wanted and not self._is_own(found)):
            raise LeaseLost(f"run {wanted.id} was taken by somebody else")
        self.record, self._version = found, stored.version
        return found == wanted

    def _is_own(self, found: RunRecord) -> bool:
        return (
            found.lease is not None and self.record.lease is not None and found.lease.owner == self.record.lease.owner
        )


async def acquire_lease(store: Store, run: str, *, owner: str, clock: Clock, **fields: Any) -> RunLease:
    """Takes a run that is queued, or one whose lease has run out; NotClaimed for any other. The fields are the record's
    from then on."""
    key = keys.run_record_key(run)
    stored = await store.get(key)
    if stored is None:
        raise LeaseLost(f"run {run} is not in the store")
    record = read_record(run, stored.content)
    if record.is_final:
        raise LeaseLost(f"run {run} has ended: {record.status}")
    if record.lease is not None and record.lease.owner == owner:
        return RunLease(store, record, stored.version, clock)  # taken before, and the answer was lost
    if record.lease is not None and record.lease.expires_at > clock():
        raise LeaseLost(f"run {run} is run by {record.lease.owner}")
    taken = transition(
        record,
        "running",
        started_at=record.started_at or clock(),
        attempt=record.attempt + 1,
        lease=Lease(owner=owner, expires_at=clock() + LEASE),
        **fields,
    )
    version = await store.compare_and_swap(key, to_json(taken), stored.version)
    if version is None:
        # The write may have been made and its answer lost.
        stored = await store.get(key)
        if stored is None or read_record(run, stored.content) != taken:
            raise LeaseLost(f"run {run} was taken by somebody else")
        version = stored.version
    return RunLease(store, taken, version, clock)
