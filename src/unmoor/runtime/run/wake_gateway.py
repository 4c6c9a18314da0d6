"""A run that ends tells a gateway that may be asleep, where further runs wait in the queue.

There is nothing to be shown for it and nothing to be had: the gateway looks at its queue, which it may do at any time.
So a run holds no token of the gateway's.
"""

from __future__ import annotations

from unmoor.container import WAKE_PATH
from unmoor.runtime.errors import TransientError, UnmoorRuntimeError
from unmoor.runtime.http.client import JsonHttpClient
from unmoor.runtime.logs import Log
from unmoor.runtime.state.keys import RUN_ID
from unmoor.runtime.store import Store

# A gateway that sleeps needs this long to answer; a container that is told to stop has not that much time.
WITHIN_S, HURRIED_S = 40.0, 1.5
TRIES = 2


async def wake_gateway(url: str, store: Store, run: str, *, within_s: float, log: Log) -> None:
    """Tells the gateway at this URL that a run has ended, if others wait; nothing where there is no URL."""
    rest = JsonHttpClient(name="the gateway", url=url, timeout_s=within_s)
    try:
        if url and await _others_wait(store, run):
            await _told(rest)
    except UnmoorRuntimeError as fault:
        log(f"whoever comes next wakes it: {fault}", level="warning")
    finally:
        await rest.close()


async def _told(rest: JsonHttpClient) -> None:
    for left in reversed(range(TRIES)):
        try:
            return await rest.request("POST", WAKE_PATH)
        except TransientError:
            if not left:
                raise


async def _others_wait(store: Store, run: str) -> bool:
    async for entry in store.list("queue/"):
        name = entry.key.removeprefix("queue/")
        if name != run and RUN_ID.fullmatch(name):
            return True
    return False
