"""Looks at the queue that others ask for: shared by all who ask in the same moment, and not more often than may be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from unmoor.runtime.logs import Log, log_errors

# Anyone may ask, and each look lists the queue.
EVERY_S = 5.0


@dataclass(slots=True, kw_only=True)
class CoalescedCall:
    """Whoever asks gets a look that begins after the question; a crowd gets one for all of it."""

    look: Callable[[], Awaitable[object]]
    log: Log
    every_s: float = EVERY_S
    ticks: Callable[[], float] = time.monotonic
    _next: asyncio.Task[bool] | None = None
    _last: float = float("-inf")

    async def __call__(self) -> bool:
        """Waits for the look; False where the store could not be reached."""
        if self._next is None:
            self._next = asyncio.create_task(self._soon())
        return await asyncio.shield(self._next)

    async def _soon(self) -> bool:
        await asyncio.sleep(max(0.0, self._last + self.every_s - self.ticks()))
        self._next, self._last = None, self.ticks()  # who comes from now on waits for the next
        return await log_errors(self.look, "a look that was asked for", log=self.log)
