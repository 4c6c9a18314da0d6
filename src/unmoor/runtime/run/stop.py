"""How a run is told to end: why, how fast, and whether another word of it may be written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

T = TypeVar("T")
Cause = Literal["", "timed_out", "cancelled", "over_budget", "stopped"]


@dataclass(slots=True)
class Stop:
    """Asks a run to end, with the cause; the first cause stands, and whoever asks again can only hurry it.

    `grace_s` is how long a harness may take to end by itself, where somebody hurries it. `until` is when everything
    must be safe, on the monotonic clock. `taken` says that the run is another runner's by now.
    """

    event: asyncio.Event = field(default_factory=asyncio.Event)
    cause: Cause = ""
    grace_s: float | None = None
    until: float | None = None
    lease_lost: bool = False
    hurried: asyncio.Event = field(default_factory=asyncio.Event)

    def request(self, cause: Cause, *, grace_s: float | None = None, within_s: float | None = None) -> None:
        """Ends it; `grace_s` and `within_s` hurry it, also where it is ending already."""
        self.cause = self.cause or cause
        if grace_s is not None:
            self.grace_s = grace_s if self.grace_s is None else min(grace_s, self.grace_s)
        if within_s is not None and self.until is None:
            self.until = time.monotonic() + within_s
        if grace_s is not None or within_s is not None:
            self.hurried.set()
        self.event.set()

    async def with_deadline(self, work: Coroutine[Any, Any, T], *, share: float = 1.0) -> T:
        """The work's result; TimeoutError where it is not done in that share of the time that a hurried stop leaves."""
        working = asyncio.create_task(work)
        hurrying = asyncio.create_task(self.hurried.wait())
        try:
            await asyncio.wait([working, hurrying], return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                await asyncio.wait([working], timeout=self._left(share))
            if not working.done():
                raise TimeoutError
            return working.result()
        finally:
            working.cancel()
            hurrying.cancel()
            await asyncio.gather(working, hurrying, return_exceptions=True)

    async def unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """The work's result, or None, and it is given up, where the run is told to end before there is one."""
        working = asyncio.create_task(work)
        stopping = asyncio.create_task(self.event.wait())
        try:
            await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else None
        finally:
            working.cancel()
            stopping.cancel()
            await asyncio.gather(working, stopping, return_exceptions=True)

    def _left(self, share: float) -> float | None:
        return None if self.until is None else max(0.0, self.until - time.monotonic()) * share
