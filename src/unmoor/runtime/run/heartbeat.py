"""A run's heartbeat: renew the lease while the run lasts, and hear what gateways ask of it: to cancel it, or to write
its events at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from unmoor.runtime.errors import TransientError, UnmoorRuntimeError
from unmoor.runtime.state import keys
from unmoor.runtime.state.lease_times import lease_times
from unmoor.runtime.state.run_record import RunRecord

from .context import RunContext
from .event_log import EventLog
from .lease import LeaseLost, RunLease
from .stop import Stop

# The new holder may start its harness at once, so this one must end soon.
LOST_GRACE_S = 1.0


@asynccontextmanager
async def heartbeat(lease: RunLease, host: RunContext, stop: Stop, journal: EventLog) -> AsyncIterator[None]:
    """Renew the lease and hear requests while the block runs."""
    polls = [_poll_cancel(lease, host, stop)] if host.timeouts.cancel_poll_s else []
    async with in_background(_renew(lease, host, stop, journal), *polls):
        yield


@asynccontextmanager
async def in_background(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run the work while the block runs, and cancel it afterwards."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def on_lease_lost(stop: Stop, journal: EventLog) -> None:
    """Stop the harness and write nothing more: another runner has the run."""
    journal.stop_writing()
    stop.lease_lost = True
    stop.request("stopped", grace_s=LOST_GRACE_S)


async def _renew(lease: RunLease, host: RunContext, stop: Stop, journal: EventLog) -> None:
    """A renewal also reads what others have changed in the record."""
    times, began = lease_times(host.store), asyncio.get_running_loop().time()
    _hear(lease.record, stop, journal)
    while True:
        await asyncio.sleep(times.pause_s(asyncio.get_running_loop().time() - began))
        try:
            record = await lease.update()
        except LeaseLost:
            return on_lease_lost(stop, journal)
        except UnmoorRuntimeError:
            continue  # the lease outlasts several failed renewals
        _hear(record, stop, journal)


def _hear(record: RunRecord, stop: Stop, journal: EventLog) -> None:
    """Does what gateways have asked in the record."""
    if record.cancel_requested:
        stop.request("cancelled")
    journal.follow(record.followed_until)


async def _poll_cancel(lease: RunLease, host: RunContext, stop: Stop) -> None:
    while True:
        with contextlib.suppress(TransientError):
            if await host.store.get(keys.cancel_key(lease.record.id)) is not None:
                stop.request("cancelled")
                return
        await asyncio.sleep(host.timeouts.cancel_poll_s)
