"""Stopping a service by a signal."""

from __future__ import annotations

import asyncio
import signal

# The process launcher sends it to a runner whose run is cancelled: unlike SIGTERM it leaves the runner as much time as
# it needs, because nothing kills it soon.
CANCEL_SIGNAL = signal.SIGUSR1


def shutdown_event(hurry: asyncio.Event | None = None) -> asyncio.Event:
    """An event that the first SIGTERM or SIGINT sets; a further one sets `hurry`."""
    stop = asyncio.Event()

    def handle() -> None:
        if stop.is_set() and hurry is not None:
            hurry.set()
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, handle)
    return stop
