"""Ctrl-C while an engine works: once stops it cleanly, twice at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")
SIGNALS = (signal.SIGINT, signal.SIGTERM)
ONCE = "stopping: what is under way is finished first; once more stops at once"
AGAIN_S = 1.0
TWICE = "stopping at once: what is under way may be left half made"


def run_interruptible(
    act: Callable[[], Result], *, interrupt: Callable[[], None], say: Callable[[str], None]
) -> Result:
    """What `act` gives, run beside the main thread, which answers to signals: each is passed on by `interrupt`."""
    if threading.current_thread() is not threading.main_thread():
        return act()
    found: list[Result] = []
    failed: list[BaseException] = []
    asked = 0

    def work() -> None:
        try:
            found.append(act())
        except BaseException as error:  # raised again in the main thread
            failed.append(error)

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        say(ONCE if asked == 1 else TWICE)
        interrupt()

    worker = threading.Thread(target=work, name="engine")
    before: dict[int, Any] = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        worker.start()
        while worker.is_alive():
            worker.join(0.1 if asked < 2 else AGAIN_S)
            # Two signals that come at one time are one: who wants it to stop at once means it.
            if asked > 1 and worker.is_alive():
                interrupt()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if failed:
        raise failed[0]
    return found[0]
