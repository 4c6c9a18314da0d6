"""A run's heart: it renews the runner's hold while the run goes on, and listens for whoever wants it to end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from . import layout
from .claim import Claim, NotClaimed
from .errors import InfrastructureFault, RuntimeFault
from .host import Host
from .journal import Journal
from .stop import Stop

# Whoever took the run may start its harness at once, so this one's has no time to lose.
LOST_GRACE_S = 1.0


@asynccontextmanager
async def beating(claim: Claim, host: Host, stop: Stop, journal: Journal) -> AsyncIterator[None]:
    """Beats while the block runs."""
    tasks = [
        asyncio.create_task(_keep(claim, host, stop, journal)),
        asyncio.create_task(_look_for_cancel(claim, host, stop)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def lost(stop: Stop, journal: Journal) -> None:
    """The run is another runner's by now: not another word of it is written here."""
    journal.silence()
    stop.taken = True
    stop.now("stopped", grace_s=LOST_GRACE_S)


async def _keep(claim: Claim, host: Host, stop: Stop, journal: Journal) -> None:
    while True:
        await asyncio.sleep(host.patience.renew_s)
        try:
            await claim.change()
        except NotClaimed:
            return lost(stop, journal)
        except RuntimeFault:
            continue  # the lease outlives several of these


async def _look_for_cancel(claim: Claim, host: Host, stop: Stop) -> None:
    while True:
        with contextlib.suppress(InfrastructureFault):
            if await host.store.get(layout.cancel_mark(claim.record.id)) is not None:
                stop.now("cancelled")
                return
        await asyncio.sleep(host.patience.cancel_poll_s)
