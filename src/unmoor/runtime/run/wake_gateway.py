"""Wake the gateway when a run ends and others are queued.

Waking needs no credential: the gateway only checks its queue, which it may do at any time.
"""

from __future__ import annotations

from unmoor.container import WAKE_PATH
from unmoor.runtime.errors import UnmoorRuntimeError
from unmoor.runtime.http.client import JsonHttpClient
from unmoor.runtime.logs import Log
from unmoor.runtime.state.keys import RUN_ID
from unmoor.runtime.store import Store

from .retry import retry_transient

# A sleeping gateway needs this long to answer; a container that is told to stop has less time.
WITHIN_S, HURRIED_S = 40.0, 1.5


async def wake_gateway(url: str, store: Store, run: str, *, within_s: float, log: Log) -> None:
    """Tell the gateway at this URL, if any, that a run has ended, if others are queued."""
    rest = JsonHttpClient(name="the gateway", url=url, timeout_s=within_s)
    try:
        if url and await _others_are_queued(store, run):
            await retry_transient(lambda: rest.request("POST", WAKE_PATH), pause_s=0, attempts=2)
    except UnmoorRuntimeError as error:
        log(f"could not wake the gateway; the next request or schedule will: {error}", level="warning")
    finally:
        await rest.close()


async def _others_are_queued(store: Store, run: str) -> bool:
    async for entry in store.list("queue/"):
        name = entry.key.removeprefix("queue/")
        if name != run and RUN_ID.fullmatch(name):
            return True
    return False
