"""What a runner does on SIGTERM: a platform or a gateway stops its container, possibly because its run is cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Mapping

from unmoor.container import STOP_GRACE_S
from unmoor.runtime.errors import TransientError
from unmoor.runtime.signals import CANCEL_SIGNAL
from unmoor.runtime.state import keys
from unmoor.runtime.store.protocol import Store

from .stop import Stop

# A harness's time to end, and the time within which everything but the final record is written. Cloud Run kills the
# tasks of a job 10 s after SIGTERM, the shortest grace period of all platforms:
# https://docs.cloud.google.com/run/docs/container-contract#forced-termination
HARNESS_GRACE_S, WITHIN_S = 2.0, 6.5
# Platforms that wait for STOP_GRACE_S, by a variable that each of them sets: Fargate as the target asks, and a job of
# Container Apps always.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
# https://learn.microsoft.com/azure/container-apps/environment-variables#jobs
LONG_GRACE = ("ECS_CONTAINER_METADATA_URI_V4", "CONTAINER_APP_JOB_NAME")
LONG_WITHIN_S = STOP_GRACE_S - 5.0
# How long the look for a cancellation may take.
LOOK_S = 1.5


def stop_time_s(environment: Mapping[str, str]) -> float:
    """Seconds after SIGTERM in which a run stores its results."""
    return LONG_WITHIN_S if any(environment.get(name) for name in LONG_GRACE) else WITHIN_S


async def request_stop(store: Store, run: str, stop: Stop, *, within_s: float) -> None:
    """Stops the run: as cancelled if somebody requested that, otherwise as interrupted."""
    until = time.monotonic() + within_s
    cancelled = False
    with contextlib.suppress(TransientError, TimeoutError):
        async with asyncio.timeout(LOOK_S):
            cancelled = await store.get(keys.cancel_key(run)) is not None
    left = until - time.monotonic()
    stop.request("cancelled" if cancelled else "stopped", grace_s=HARNESS_GRACE_S, within_s=left)


def stop_on_signals(store: Store, run: str, stop: Stop, *, within_s: float) -> None:
    """From now on, stops the run on SIGTERM and SIGINT, and cancels it on CANCEL_SIGNAL."""
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    def on_signal() -> None:
        task = asyncio.create_task(request_stop(store, run, stop, within_s=within_s))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    handlers = {signal.SIGTERM: on_signal, signal.SIGINT: on_signal, CANCEL_SIGNAL: lambda: stop.request("cancelled")}
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
