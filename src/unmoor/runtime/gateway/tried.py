"""What a gateway does again and again, and goes on doing whatever goes wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from unmoor.runtime.errors import UnmoorRuntimeError
from unmoor.runtime.guard.way import Log
from unmoor.runtime.logs import stack_summary


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
