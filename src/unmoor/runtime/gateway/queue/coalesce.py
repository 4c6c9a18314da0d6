"""Coalesces calls: all callers of one moment share one execution, at a limited rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from unmoor.runtime.logs import Log, log_errors

# Anyone may send POST /wake, and each one lists the queue.
EVERY_S = 5.0


@dataclass(slots=True, kw_only=True)
class CoalescedCall:
    """Each caller gets an execution that starts after its call; concurrent callers share it."""

    act: Callable[[], Awaitable[object]]
    log: Log
    every_s: float = EVERY_S
    ticks: Callable[[], float] = time.monotonic
    _next: asyncio.Task[bool] | None = None
    _last: float = float("-inf")

    async def __call__(self) -> bool:
        """Waits for the execution; False where it failed."""
        if self._next is None:
            self._next = asyncio.create_task(self._soon())
        return await asyncio.shield(self._next)

    async def _soon(self) -> bool:
        await asyncio.sleep(max(0.0, self._last + self.every_s - self.ticks()))
        self._next, self._last = None, self.ticks()  # later callers get the next one
        return await log_errors(self.act, "a requested look at the queue", log=self.log)
