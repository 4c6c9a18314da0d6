"""The queue's runs as a gateway last read them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from unmoor.runtime.clock import Clock
from unmoor.runtime.errors import TransientError, UnmoorRuntimeError
from unmoor.runtime.gateway.launchers.protocol import Launcher
from unmoor.runtime.logs import Log
from unmoor.runtime.state import keys
from unmoor.runtime.state.queue_entry import recover_record
from unmoor.runtime.state.run_record import RunRecord, load_record
from unmoor.runtime.store import Store, StoreEntry

from .look_times import LookTimes, may_have_changed, waits

# The share of time for listing the queue: a long queue is listed less often.
LISTING_PART = 0.05
# A queue up to this length is listed at every look, so that all gateways see the same runs and respect the limit.
SHORT = 200


@dataclass(slots=True, kw_only=True)
class QueueView:
    """The known runs of the queue, read again only as far as `times` requires."""

    store: Store
    launcher: Launcher
    times: LookTimes
    clock: Clock
    log: Log
    ticks: Callable[[], float] = time.monotonic
    known: dict[str, RunRecord] = field(default_factory=dict[str, RunRecord])
    _exited: set[str] = field(default_factory=set[str])
    _long_until: float = float("-inf")
    _listed_at: float = float("-inf")
    _up_since: float = field(init=False)

    def __post_init__(self) -> None:
        self._up_since = self.ticks()

    async def refresh(self) -> None:
        """Reads new queue entries, and the runs that may have changed."""
        if self._is_list_due():
            return await self.list_entries()
        for run in [r.id for r in self.known.values() if self._must_read(r)]:
            await self.read(run)

    async def list_entries(self, *, reads_running: bool = False) -> None:
        """Lists the queue, and reads new entries and the runs that may have changed, or all that are running."""
        began = self.ticks()
        before = set(self.known)
        listing = {e.key.removeprefix("queue/"): e async for e in self.store.list("queue/")}
        entries = {run: entry for run, entry in listing.items() if keys.RUN_ID.fullmatch(run)}
        self._listed_at = self.ticks()
        self._long_until = self._listed_at + min((self._listed_at - began) / LISTING_PART, self.times.busy_s)
        # Runs that were added during the listing stay.
        self.known = {run: record for run, record in self.known.items() if run in entries or run not in before}
        for run, entry in entries.items():
            record = self.known.get(run)
            if record is None or self._must_read(record) or (reads_running and not record.is_final):
                await self.read(run, entry)

    async def list_before_start(self) -> None:
        """Lists the queue unless that was done just now: other gateways may have started runs."""
        if not self.times.lists_always and self.ticks() > self._listed_at:
            await self.list_entries()

    def forget_listing(self) -> None:
        """Makes the next look list the queue and read all running runs."""
        self._long_until = self._listed_at = float("-inf")
        self._exited |= {run for run, record in self.known.items() if record.status == "running"}

    def note_exit(self, run: str) -> None:
        """The run's runner has exited, so its record has probably changed."""
        self._exited.add(run)

    async def read(self, run: str, entry: StoreEntry | None = None) -> RunRecord | None:
        """Reads the run's record again."""
        record = await self._record(run, entry)
        self._exited.discard(run)
        if record is None:
            self.known.pop(run, None)
        else:
            self.known[run] = record
        return record

    def seconds_until_list(self) -> float:
        return max(0.0, self._listed_at + self.times.list_s(self.ticks() - self._up_since) - self.ticks())

    def _is_list_due(self) -> bool:
        if self.times.lists_always:
            return len(self.known) <= SHORT or self.ticks() >= self._long_until
        return self.seconds_until_list() == 0

    def _must_read(self, record: RunRecord) -> bool:
        begun = self.launcher.running()
        if self.times.lists_always:
            return record.status == "running" or record.id in begun
        one_waits = any(waits(each, begun) for each in self.known.values())
        return record.id in self._exited or may_have_changed(record, begun=begun, now=self.clock(), one_waits=one_waits)

    async def _record(self, run: str, entry: StoreEntry | None) -> RunRecord | None:
        """The run's current record; None where it is missing or unreadable, which must not block other runs."""
        try:
            if entry is not None:
                return await recover_record(self.store, entry, run, now=self.clock())
            loaded = await load_record(self.store, run)
            return loaded[0] if loaded else None
        except TransientError:
            raise
        except UnmoorRuntimeError as error:
            self.log(str(error), level="error", run=run)
            return None
