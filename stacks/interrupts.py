"""Ctrl-C while the engine works: the first stops it cleanly, the second at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")
SIGNALS = (signal.SIGINT, signal.SIGTERM)
ONCE = "stopping after the operations in progress; press Ctrl-C again to stop at once"
AGAIN_S = 1.0
TWICE = "stopping at once: operations in progress may be left incomplete"


def run_interruptible(
    act: Callable[[], Result], *, interrupt: Callable[[], None], say: Callable[[str], None]
) -> Result:
    """The result of `act`, which runs in another thread while the main thread calls `interrupt` for each signal."""
    if threading.current_thread() is not threading.main_thread():
        return act()
    found: list[Result] = []
    failed: list[BaseException] = []
    signals = 0

    def work() -> None:
        try:
            found.append(act())
        except BaseException as error:  # raised again in the main thread
            failed.append(error)

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal signals
        signals += 1
        say(ONCE if signals == 1 else TWICE)
        interrupt()

    worker = threading.Thread(target=work, name="engine")
    before: dict[int, Any] = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        worker.start()
        while worker.is_alive():
            worker.join(0.1 if signals < 2 else AGAIN_S)
            # Two signals at the same time are merged into one, so the second interrupt is repeated.
            if signals > 1 and worker.is_alive():
                interrupt()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if failed:
        raise failed[0]
    return found[0]
