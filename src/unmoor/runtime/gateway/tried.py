"""What a gateway does again and again, and goes on doing whatever goes wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from unmoor.runtime.errors import RuntimeFault
from unmoor.runtime.guard.way import Log
from unmoor.runtime.logs import frames


async def tried(work: Callable[[], Awaitable[object]], what: str, *, log: Log) -> bool:
    """Whether it went well. What went wrong is in the log: the next try must come all the same."""
    try:
        await work()
    except RuntimeFault as fault:
        log(str(fault), level="error")
        return False
    except Exception as error:  # whatever it is, what waits must not wait for ever
        log(f"{what} failed", level="error", error=type(error).__name__, where=frames(error))
        return False
    return True
