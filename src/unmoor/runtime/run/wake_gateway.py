"""Wake the gateway when a run ends and others are queued.

Waking needs no credential: the gateway only checks its queue, which it may do at any time.
"""

from __future__ import annotations

from unmoor.container import WAKE_PATH
from unmoor.runtime.errors import TransientError, UnmoorRuntimeError
from unmoor.runtime.http.client import JsonHttpClient
from unmoor.runtime.logs import Log
from unmoor.runtime.state.keys import RUN_ID
from unmoor.runtime.store import Store

# A sleeping gateway needs this long to answer; a container that is told to stop has less time.
WITHIN_S, HURRIED_S = 40.0, 1.5
TRIES = 2


async def wake_gateway(url: str, store: Store, run: str, *, within_s: float, log: Log) -> None:
    """Tell the gateway at this URL, if any, that a run has ended, if others are queued."""
    rest = JsonHttpClient(name="the gateway", url=url, timeout_s=within_s)
    try:
        if url and await _others_are_queued(store, run):
            await _request_wake(rest)
    except UnmoorRuntimeError as fault:
        log(f"could not wake the gateway; the next request or schedule will: {fault}", level="warning")
    finally:
        await rest.close()


async def _request_wake(rest: JsonHttpClient) -> None:
    for left in reversed(range(TRIES)):
        try:
            return await rest.request("POST", WAKE_PATH)
        except TransientError:
            if not left:
                raise


async def _others_are_queued(store: Store, run: str) -> bool:
    async for entry in store.list("queue/"):
        name = entry.key.removeprefix("queue/")
        if name != run and RUN_ID.fullmatch(name):
            return True
    return False
