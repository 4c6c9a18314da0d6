"""A run's turn: its session, once no other run holds it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .again import retry_transient
from .errors import TransientError
from .events import Notice
from .host import RunContext
from .journal import EventLog
from .sessions import Session, acquire_session
from .stop import Stop
from .waiting import wait_event


@asynccontextmanager
async def session_lock(
    key: str, run: str, host: RunContext, stop: Stop, journal: EventLog
) -> AsyncIterator[Session | None]:
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
        with contextlib.suppress(TransientError):  # the lease runs out by itself
            await retry_transient(session.release, pause_s=host.patience.store_s)


async def _held(key: str, run: str, host: RunContext, stop: Stop, journal: EventLog) -> Session | None:
    said = ""
    while True:
        held = await retry_transient(
            lambda: acquire_session(host.store, key, run, clock=host.clock), pause_s=host.patience.store_s
        )
        if isinstance(held, Session):
            return held
        if stop.cause:
            return None
        if held != said:
            journal.add(Notice(level="info", text=f"waits for {held}, which holds session {key}"))
            said = held
        await wait_event(stop.event, host.patience.session_poll_s)


async def _renew(session: Session, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        with contextlib.suppress(TransientError):
            await session.renew()
