"""Retry a store operation a bounded number of times on transient errors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from unmoor.runtime.backoff import Backoff
from unmoor.runtime.errors import TransientError

T = TypeVar("T")
ATTEMPTS = 5


async def retry_transient(act: Callable[[], Awaitable[T]], *, pause_s: float, attempts: int = ATTEMPTS) -> T:
    """The act's result; raises the last attempt's error if none succeeds. Each pause doubles the one before."""
    backoff = Backoff(first_s=pause_s)
    for failures in range(1, attempts):
        try:
            return await act()
        except TransientError:
            await asyncio.sleep(backoff.pause_s(failures))
    return await act()
