"""What a runner does on a signal: a platform or a gateway stops its container, or its run is cancelled."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping

from unmoor.container import STOP_GRACE_S
from unmoor.runtime.signals import CANCEL_SIGNAL

from .stop import Stop

# A harness's time to end, and the time within which everything but the final record is written. Cloud Run kills the
# tasks of a job 10 s after SIGTERM, the shortest grace period of all platforms:
# https://docs.cloud.google.com/run/docs/container-contract
HARNESS_GRACE_S, WITHIN_S = 2.0, 6.5
# Platforms that wait for 30 s, by a variable that each of them sets: Fargate as the target asks, and a job of Container
# Apps always.
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
# https://github.com/microsoft/azure-container-apps/issues/1669
# https://learn.microsoft.com/azure/container-apps/environment-variables
LONG_GRACE = ("ECS_CONTAINER_METADATA_URI_V4", "CONTAINER_APP_JOB_NAME")
LONG_WITHIN_S = STOP_GRACE_S - 5.0


def stop_time_s(environment: Mapping[str, str]) -> float:
    """Seconds after SIGTERM in which a run stores its results."""
    return LONG_WITHIN_S if any(environment.get(name) for name in LONG_GRACE) else WITHIN_S


def stop_on_signals(stop: Stop, *, within_s: float) -> None:
    """From now on, stops the run on SIGTERM and SIGINT, and cancels it on CANCEL_SIGNAL."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: stop.request("stopped", grace_s=HARNESS_GRACE_S, within_s=within_s))
    loop.add_signal_handler(CANCEL_SIGNAL, lambda: stop.request("cancelled"))
