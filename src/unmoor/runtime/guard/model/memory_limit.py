"""The memory that request bodies share: taken as their bytes arrive, with a limit for each run.

A run reads one large body at a time, so it cannot wait for itself. When the memory is full, the body that is being read
for the run with the most memory is given up for a run with less.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from unmoor.runtime.guard.transport.http1 import BadRequest

# Bodies up to this size are not counted.
SMALL = 128 * 1024
Grow = Callable[[int], Awaitable[None]]


class BodyMemory:
    """`size` bytes for all bodies, of which one run gets at most half."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: dict[BodyLease, int] = {}
        self._changed = asyncio.Condition()

    def lease(self, run: str) -> BodyLease:
        """Memory for one body of this run, until its block ends."""
        return BodyLease(self, run)

    async def take(self, lease: BodyLease, count: int) -> None:
        """Waits until the lease may hold this many more bytes."""
        async with self._changed:
            while not self._fits(lease, count):
                self._give_up_for(lease, count)
                await self._changed.wait()
            self._held[lease] = self._held.get(lease, 0) + count

    async def notify(self) -> None:
        """Lets those that wait look again."""
        async with self._changed:
            self._changed.notify_all()

    async def release(self, lease: BodyLease) -> None:
        if self._held.pop(lease, 0):
            await self.notify()

    def _fits(self, lease: BodyLease, count: int) -> bool:
        own = self._of_run(lease.run)
        if any(other.run == lease.run and other.reading for other in self._held if other is not lease):
            return False
        # A body that is larger than the run's share passes alone.
        within_share = own + count <= self._size // 2 or own == self._held.get(lease, 0)
        return within_share and sum(self._held.values()) + count <= max(self._size, own + count)

    def _give_up_for(self, lease: BodyLease, count: int) -> None:
        """Gives up the largest body that is still being read for a run with more memory than this run would have."""
        reading = [other for other in self._held if other.reading and other.run != lease.run]
        if any(other.given_up for other in reading):
            return
        largest = max(reading, key=lambda other: self._of_run(other.run), default=None)
        if largest is not None and self._of_run(largest.run) > self._of_run(lease.run) + count:
            largest.give_up()

    def _of_run(self, run: str) -> int:
        return sum(count for lease, count in self._held.items() if lease.run == run)


@dataclass(slots=True, eq=False)
class BodyLease:
    """The memory of one body."""

    memory: BodyMemory
    run: str
    reading: bool = False
    given_up: bool = False
    _size: int = 0
    _deadline: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))

    async def __aenter__(self) -> BodyLease:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.memory.release(self)

    async def read(self, read: Callable[[Grow], Awaitable[bytes]]) -> bytes:
        """The body, for whose bytes `read` asks as they arrive; BadRequest if it is given up for another run."""
        try:
            async with self._deadline:
                return await read(self._grow)
        except TimeoutError:
            text = "other runs need the guard's memory, and this body did not arrive in time; send it again"
            raise BadRequest(503, text) from None
        finally:
            self.reading = False
            await self.memory.notify()

    def give_up(self) -> None:
        """Ends the reading."""
        self.given_up = True
        self._deadline.reschedule(0)

    async def _grow(self, count: int) -> None:
        before, self._size = self._size, self._size + count
        if self._size > SMALL:
            await self.memory.take(self, self._size - (before if self.reading else 0))
            self.reading = True
