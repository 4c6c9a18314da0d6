"""Logs: one JSON object a line on standard output, where every platform collects them."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Literal, Protocol, TextIO

from .errors import UnmoorRuntimeError
from .redact import Redact, redact_values

Level = Literal["info", "warning", "error"]


class JsonLog:
    """Writes lines with the time, the level and the message, and whatever `always` holds, such as the run's id."""

    def __init__(
        self,
        *,
        redact: Redact = lambda text: text,
        stream: TextIO | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        **always: Any,
    ) -> None:
        self._redact = redact
        self._stream = stream or sys.stdout
        self._clock = clock
        self._always = always

    def __call__(self, message: str, *, level: Level = "info", **fields: Any) -> None:
        whole = {
            "time": self._clock().isoformat(),
            # The name by which Cloud Logging finds it: https://docs.cloud.google.com/logging/docs/structured-logging
            "severity": level.upper(),
            "message": message,
            **self._always,
            **fields,
        }
        text = json.dumps(redact_values(whole, self._redact), ensure_ascii=True, default=str)
        self._stream.write(text + "\n")
        self._stream.flush()


def stack_summary(error: BaseException) -> list[str]:
    """Where an error that nobody expected was raised: names and lines, and nothing of what was at hand there."""
    return [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]


class Log(Protocol):
    """Writes one line for whoever runs the guard; a field never holds a secret."""

    def __call__(self, message: str, **fields: Any) -> None: ...


def null_log(message: str, **fields: Any) -> None:
    """A log that keeps nothing."""


async def log_errors(work: Callable[[], Awaitable[object]], what: str, *, log: Log) -> bool:
    """Whether it went well. What went wrong is in the log: the next try must come all the same."""
    try:
        await work()
    except UnmoorRuntimeError as fault:
        log(str(fault), level="error")
        return False
    except Exception as error:  # whatever it is, what waits must not wait for ever
        log(f"{what} failed", level="error", error=type(error).__name__, where=stack_summary(error))
        return False
    return True
