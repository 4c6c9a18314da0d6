"""A memory limit that requests share: a large body waits until its size is free."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class ByteSemaphore:
    """A FIFO byte budget. Never acquire while holding: it deadlocks."""

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def acquire(self, count: int) -> AsyncIterator[None]:
        """Holds that many bytes, at most the whole budget."""
        count = min(count, self._size)
        await self._take(count)
        try:
            yield
        finally:
            self._free += count
            self._grant()

    async def _take(self, count: int) -> None:
        if not self._waiting and count <= self._free:
            self._free -= count
            return
        granted = asyncio.get_running_loop().create_future()
        self._waiting.append((count, granted))
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._free += count
            else:
                self._waiting.remove((count, granted))
            self._grant()
            raise

    def _grant(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            count, granted = self._waiting.popleft()
            self._free -= count
            granted.set_result(None)
