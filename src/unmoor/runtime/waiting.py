"""Waits that end after a time, or at once when whoever waits is cancelled.

Before Python 3.12 asyncio.wait_for loses a cancellation that comes at the moment of what it waits for
(https://github.com/python/cpython/issues/86296), so that a task that is told to end goes on. asyncio.timeout does not.
"""

from __future__ import annotations

import asyncio


async def wait_event(event: asyncio.Event, seconds: float) -> bool:
    """Waits for the event, and for no longer than that; whether it is set."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
