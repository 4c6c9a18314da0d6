"""What must not fail for a moment's fault of the store is tried again, a few times and not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from unmoor.runtime.errors import TransientError

T = TypeVar("T")
TRIES = 5


async def retry_transient(act: Callable[[], Awaitable[T]], *, pause_s: float) -> T:
    """The act's result; the fault of its last try where none went well. Each pause is twice the one before."""
    for again in range(TRIES - 1):
        try:
            return await act()
        except TransientError:
            await asyncio.sleep(pause_s * 2**again)
    return await act()
