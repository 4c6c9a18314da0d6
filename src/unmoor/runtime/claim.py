"""A runner's hold on a run: while it lasts, nobody else changes the record.

The hold is a lease in run.json, taken and renewed by compare-and-swap. A runner that finds the record changed by
somebody else has lost it, and ends its harness without another word: whoever took the record decides.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from . import layout
from .errors import RuntimeFault
from .records import Lease, RunRecord, from_json, to_json
from .store.objects import Store

LEASE = timedelta(seconds=60)
RENEW_S = 15.0

Clock = Callable[[], datetime]


class NotClaimed(RuntimeFault):
    """The run is not there, has ended, or is somebody else's."""


class Claim:
    """The record as this runner last wrote it, and the version that it must still have."""

    def __init__(self, store: Store, record: RunRecord, version: str, clock: Clock) -> None:
        self._store = store
        self._version = version
        self._clock = clock
        self.record = record

    async def change(self, **fields: Any) -> RunRecord:
        """Writes these fields and a renewed lease; NotClaimed where the hold is lost."""
        changed = dataclasses.replace(self.record, **fields)
        if changed.is_final:
            changed = dataclasses.replace(changed, lease=None)
        elif changed.lease is not None:
            lease = dataclasses.replace(changed.lease, expires_at=self._clock() + LEASE)
            changed = dataclasses.replace(changed, lease=lease)
        version = await self._store.replace(layout.run_record(changed.id), to_json(changed), self._version)
        if version is None:
            return await self._settle(changed)
        self.record, self._version = changed, version
        return changed

    async def _settle(self, wanted: RunRecord) -> RunRecord:
        """A write that was made though its answer was lost looks like a lost hold; only the content tells."""
        stored = await self._store.get(layout.run_record(wanted.id))
        if stored is None or from_json(stored.content) != wanted:
            raise NotClaimed(f"run {wanted.id} was taken by somebody else")
        self.record, self._version = wanted, stored.version
        return wanted


async def claim(store: Store, run: str, *, owner: str, clock: Clock) -> Claim:
    """Takes a run that is queued, or one whose lease has run out; NotClaimed for any other."""
    key = layout.run_record(run)
    stored = await store.get(key)
    if stored is None:
        raise NotClaimed(f"run {run} is not in the store")
    record = from_json(stored.content)
    if record.is_final:
        raise NotClaimed(f"run {run} has ended: {record.status}")
    if record.lease is not None and record.lease.expires_at > clock():
        raise NotClaimed(f"run {run} is run by {record.lease.owner}")
    taken = dataclasses.replace(
        record,
        status="running",
        started_at=record.started_at or clock(),
        attempt=record.attempt + 1,
        lease=Lease(owner=owner, expires_at=clock() + LEASE),
    )
    version = await store.replace(key, to_json(taken), stored.version)
    if version is None:
        raise NotClaimed(f"run {run} was taken by somebody else")
    return Claim(store, taken, version, clock)


async def enqueue(store: Store, record: RunRecord) -> bool:
    """Puts a new run's record; False where there is one of that id."""
    return await store.create(layout.run_record(record.id), to_json(record)) is not None
