"""Logs: one JSON object per line on stdout, where every platform collects them."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, Literal, Protocol, TextIO

from .clock import Clock, utc_now
from .errors import UnmoorRuntimeError
from .redact import Redact, redact_values

Level = Literal["info", "warning", "error"]


class JsonLog:
    """Writes lines with the time, the level, the message and the fields in `always`, such as the run's id."""

    def __init__(
        self,
        *,
        redact: Redact = lambda text: text,
        stream: TextIO | None = None,
        clock: Clock = utc_now,
        **always: Any,
    ) -> None:
        self._redact = redact
        self._stream = stream or sys.stdout
        self._clock = clock
        self._always = always

    def __call__(self, message: str, *, level: Level = "info", **fields: Any) -> None:
        line = {
            "time": self._clock().isoformat(),
            # The name that Cloud Logging reads: https://docs.cloud.google.com/logging/docs/structured-logging
            "severity": level.upper(),
            "message": message,
            **self._always,
            **fields,
        }
        text = json.dumps(redact_values(line, self._redact), ensure_ascii=True, default=str)
        self._stream.write(text + "\n")
        self._stream.flush()


def stack_summary(error: BaseException) -> list[str]:
    """Where an unexpected error was raised: function names and lines, without any values."""
    return [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]


class Log(Protocol):
    """Writes one line for the operator; no field holds a secret."""

    def __call__(self, message: str, **fields: Any) -> None: ...


def null_log(message: str, **fields: Any) -> None:
    """Discards the line."""


async def log_errors(work: Callable[[], Awaitable[object]], what: str, *, log: Log) -> bool:
    """Whether the work succeeded; an error is logged and not raised, so that a loop continues."""
    try:
        await work()
    except UnmoorRuntimeError as error:
        log(str(error), level="error")
        return False
    except Exception as error:  # must not end the loop
        log(f"{what} failed", level="error", error=type(error).__name__, where=stack_summary(error))
        return False
    return True
