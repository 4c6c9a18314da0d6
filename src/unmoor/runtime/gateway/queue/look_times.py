"""When a gateway looks at the queue again.

A folder costs nothing to list, so it is listed at every look. A bucket charges for each request. There a gateway lists
the queue only to find what others have put into it, and before it starts a run; it reads a run's record only when the
run can have changed: its runner has exited, its lease has expired, or another run waits for its end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from unmoor.runtime.state.lease_times import REMOTE
from unmoor.runtime.state.run_record import RunRecord, is_expired
from unmoor.runtime.store import Store

# In a folder: seconds until the next look, unless something wakes the gateway; with runs in the queue, and without.
BUSY_S, IDLE_S = 2.0, 15.0
# In a bucket: seconds between listings for what other gateways left, or `--store` put there. A gateway that has just
# started lists more often, because the one before it may still accept runs that it does not start.
LIST_S, SETTLING_LIST_S, SETTLING_S = 300.0, 15.0, 600.0
# Seconds between reads: of running runs while another waits for one's end, and of one whose runner starts.
WAITING_S, STARTING_S = 10.0, 20.0
# A runner that has exited has lost its run if nobody renews the lease for this long.
SILENT_S = REMOTE.renew_s + 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LookTimes:
    """`lists_always`: every look lists the queue, after `busy_s` or `idle_s`."""

    lists_always: bool
    busy_s: float = BUSY_S
    idle_s: float = IDLE_S

    def list_s(self, up_s: float) -> float:
        """Seconds between listings for a gateway that has been up for so long."""
        return SETTLING_LIST_S if up_s < SETTLING_S else LIST_S

    def pause_s(
        self, records: Collection[RunRecord], *, begun: frozenset[str], now: datetime, start_in: Callable[[str], float]
    ) -> float:
        """Seconds until one of these runs must be looked at. `start_in`: when a waiting run may be started again."""
        if self.lists_always:
            return self.busy_s if records else self.idle_s
        return min((_due_s(r, begun, now, start_in) for r in records), default=LIST_S)


def look_times(store: Store, *, busy_s: float, idle_s: float) -> LookTimes:
    return LookTimes(lists_always=store.is_local, busy_s=busy_s, idle_s=idle_s)


def may_have_changed(record: RunRecord, *, begun: frozenset[str], now: datetime, one_waits: bool) -> bool:
    """Whether the record is worth a read."""
    if record.status == "running":
        return one_waits or is_expired(record, now)
    return record.id in begun


def waits(record: RunRecord, begun: frozenset[str]) -> bool:
    """Whether the run is queued and has no runner."""
    return record.status == "queued" and record.id not in begun


def _due_s(record: RunRecord, begun: frozenset[str], now: datetime, start_in: Callable[[str], float]) -> float:
    if record.status == "queued":
        return STARTING_S if record.id in begun else start_in(record.id) or WAITING_S
    if record.lease is None:
        return WAITING_S
    # A clock that was changed must not cause looks without a pause.
    return max((record.lease.expires_at - now).total_seconds(), WAITING_S)
