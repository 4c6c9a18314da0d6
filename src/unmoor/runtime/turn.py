"""A run's turn: its session, once no other run holds it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .again import insisted
from .errors import InfrastructureFault
from .events import Notice
from .host import Host
from .journal import Journal
from .sessions import Session, hold
from .stop import Stop
from .waiting import is_set_within


@asynccontextmanager
async def turn(key: str, run: str, host: Host, stop: Stop, journal: Journal) -> AsyncIterator[Session | None]:
    """The session of that key, held while the block runs; None where the run was told to end before it was free."""
    session = await _held(key, run, host, stop, journal)
    if session is None:
        yield None
        return
    session.pause_s = host.patience.store_s
    renewing = asyncio.create_task(_renew(session, host.patience.renew_s))
    try:
        yield session
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        with contextlib.suppress(InfrastructureFault):  # the lease runs out by itself
            await insisted(session.release, pause_s=host.patience.store_s)


async def _held(key: str, run: str, host: Host, stop: Stop, journal: Journal) -> Session | None:
    said = ""
    while True:
        held = await insisted(lambda: hold(host.store, key, run, clock=host.clock), pause_s=host.patience.store_s)
        if isinstance(held, Session):
            return held
        if stop.cause:
            return None
        if held != said:
            journal.add(Notice(level="info", text=f"waits for {held}, which holds session {key}"))
            said = held
        await is_set_within(stop.event, host.patience.session_poll_s)


async def _renew(session: Session, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        with contextlib.suppress(InfrastructureFault):
            await session.renew()
