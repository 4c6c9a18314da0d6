"""A run's heartbeat: renew the lease while the run lasts, and poll for a request to cancel it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from unmoor.runtime.errors import TransientError, UnmoorRuntimeError
from unmoor.runtime.state import keys

from .context import RunContext
from .event_log import EventLog
from .lease import LeaseLost, RunLease
from .stop import Stop

# The new holder may start its harness at once, so this one must end soon.
LOST_GRACE_S = 1.0


@asynccontextmanager
async def heartbeat(lease: RunLease, host: RunContext, stop: Stop, journal: EventLog) -> AsyncIterator[None]:
    """Renew the lease and poll for cancellation while the block runs."""
    async with in_background(_renew(lease, host, stop, journal), _poll_cancel(lease, host, stop)):
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
    while True:
        await asyncio.sleep(host.timeouts.renew_s)
        try:
            await lease.update()
        except LeaseLost:
            return on_lease_lost(stop, journal)
        except UnmoorRuntimeError:
            continue  # the lease outlasts several failed renewals


async def _poll_cancel(lease: RunLease, host: RunContext, stop: Stop) -> None:
    while True:
        with contextlib.suppress(TransientError):
            if await host.store.get(keys.cancel_key(lease.record.id)) is not None:
                stop.request("cancelled")
                return
        await asyncio.sleep(host.timeouts.cancel_poll_s)
