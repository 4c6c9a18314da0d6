"""A request to stop a run: the cause, the deadline, and whether its lease is lost."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

T = TypeVar("T")
Cause = Literal["", "timed_out", "cancelled", "over_budget", "model_limit", "stopped"]


@dataclass(slots=True)
class Stop:
    """Requests a run's end; the first cause counts, and later requests can only hurry it.

    `grace_s`: a hurried harness's time to end. `until`: the deadline for storing everything, on the monotonic clock.
    """

    event: asyncio.Event = field(default_factory=asyncio.Event)
    cause: Cause = ""
    grace_s: float | None = None
    until: float | None = None
    lease_lost: bool = False
    hurried: asyncio.Event = field(default_factory=asyncio.Event)

    def request(self, cause: Cause, *, grace_s: float | None = None, within_s: float | None = None) -> None:
        """Requests the end; `grace_s` and `within_s` hurry it, even if it is ending already."""
        self.cause = self.cause or cause
        if grace_s is not None:
            self.grace_s = grace_s if self.grace_s is None else min(grace_s, self.grace_s)
        if within_s is not None and self.until is None:
            self.until = time.monotonic() + within_s
        if grace_s is not None or within_s is not None:
            self.hurried.set()
        self.event.set()

    async def with_deadline(self, work: Coroutine[Any, Any, T], *, share: float = 1.0) -> T:
        """The work's result; TimeoutError if it takes more than that share of the time that a hurried stop leaves."""
        async with _until_done_or(self.hurried, work) as working:
            if not working.done():
                left = None if self.until is None else max(0.0, self.until - time.monotonic()) * share
                await asyncio.wait([working], timeout=left)
            if not working.done():
                raise TimeoutError
            return working.result()

    async def unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """The work's result; None, and the work is cancelled, if the run is stopped first."""
        async with _until_done_or(self.event, work) as working:
            return working.result() if working.done() else None


@contextlib.asynccontextmanager
async def _until_done_or(event: asyncio.Event, work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Enters the block when the work is done or the event is set; afterwards the work is cancelled."""
    working, waiting = asyncio.create_task(work), asyncio.create_task(event.wait())
    try:
        await asyncio.wait([working, waiting], return_when=asyncio.FIRST_COMPLETED)
        yield working
    finally:
        working.cancel()
        waiting.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)
