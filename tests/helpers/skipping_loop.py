"""An event loop whose time a test moves on, so that hours pass in seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")
STARTED = datetime(2026, 3, 1, 12, tzinfo=UTC)


class SkippingLoop(asyncio.SelectorEventLoop):
    """Real time, and what was skipped."""

    skipped_s = 0.0

    def time(self) -> float:
        return super().time() + self.skipped_s

    def skip(self, seconds: float) -> None:
        """Moves the time on; what is due by then runs as soon as the caller waits."""
        self.skipped_s += seconds


def run_skipping(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        return runner.run(work)


def skip(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SkippingLoop)
    loop.skip(seconds)


def now() -> datetime:
    """The time of day in this loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SkippingLoop)
    return STARTED + timedelta(seconds=loop.skipped_s)
