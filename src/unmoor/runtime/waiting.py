"""Waits with a time limit that end at once on cancellation.

Before Python 3.12 asyncio.wait_for loses a cancellation at the moment of its result
(https://github.com/python/cpython/issues/86296), so that a cancelled task continues. asyncio.timeout does not.
"""

from __future__ import annotations

import asyncio


async def wait_event(event: asyncio.Event, seconds: float) -> bool:
    """Waits for the event, for at most this time; returns whether it is set."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
