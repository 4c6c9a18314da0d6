"""Retries at a process's start, for as long as a new deployment's grants may take to apply."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from unmoor.runtime.backoff import Backoff
from unmoor.runtime.errors import TransientError
from unmoor.runtime.waiting import wait_event

# A grant can take minutes to be in force after a deployment created it, and the shortest time that a platform gives a
# container to start is 100 s. https://docs.cloud.google.com/iam/docs/access-change-propagation
PATIENCE_S = 90.0
BACKOFF = Backoff(first_s=0.5, cap_s=5.0)

T = TypeVar("T")


async def retry_at_start(
    act: Callable[[], Awaitable[T]],
    what: str,
    *,
    stop: asyncio.Event,
    log: Callable[..., None],
    backoff: Backoff = BACKOFF,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """The result of `act`, which is retried for PATIENCE_S while the store rejects or cannot answer the request; raises
    the last TransientError after that time, or at once when `stop` is set."""
    deadline, failures = clock() + PATIENCE_S, 0
    while True:
        try:
            return await act()
        except TransientError as error:
            failures += 1
            pause_s = backoff.pause_s(failures)
            if clock() + pause_s > deadline or await wait_event(stop, pause_s):
                raise
            log(f"{what} failed and is retried", error=str(error), failures=failures)
