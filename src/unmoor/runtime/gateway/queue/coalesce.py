"""Coalesces calls: all callers of one moment share one execution, at a limited rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from unmoor.runtime.logs import Log, log_errors

# Anyone may send POST /wake, and each one lists the queue.
EVERY_S = 5.0
# Callers that wait for the response. Others would only hold connections open for the same execution.
MOST_WAITING = 4


@dataclass(slots=True, kw_only=True)
class CoalescedCall:
    """Each caller gets an execution that starts after its call; concurrent callers share it, and beyond a few of them
    do not wait for it."""

    act: Callable[[], Awaitable[object]]
    log: Log
    every_s: float = EVERY_S
    ticks: Callable[[], float] = time.monotonic
    _next: asyncio.Task[bool] | None = None
    _last: float = float("-inf")
    _waiting: int = 0

    async def __call__(self) -> bool:
        """Waits for the execution; False where it failed. True at once if enough others wait."""
        if self._next is None:
            self._next = asyncio.create_task(self._soon())
        if self._waiting >= MOST_WAITING:
            return True
        self._waiting += 1
        try:
            return await asyncio.shield(self._next)
        finally:
            self._waiting -= 1

    async def _soon(self) -> bool:
        await asyncio.sleep(max(0.0, self._last + self.every_s - self.ticks()))
        self._next, self._last = None, self.ticks()  # later callers get the next one
        return await log_errors(self.act, "a requested look at the queue", log=self.log)
