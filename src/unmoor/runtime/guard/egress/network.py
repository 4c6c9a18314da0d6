"""The real network: names are resolved and connections opened here and nowhere else in the way out."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from unmoor.runtime.guard.transport.sockets import SocketStream
from unmoor.runtime.guard.transport.types import Stream

# Apart from asyncio's own few threads: names that are slow to resolve must not stop everything else.
LOOKUPS = 16


class Network:
    """Resolves and connects."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="resolve")

    async def resolve(self, host: str) -> Sequence[str]:
        """Every address of the host. The final dot keeps this machine's search domains out of it."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _lookup, f"{host}.")
        return list(dict.fromkeys(found))

    async def dial(self, address: str, port: int) -> Stream:
        """A connection to that address."""
        return SocketStream(*await asyncio.open_connection(address, port))

    def close(self) -> None:
        """Resolves nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _lookup(host: str) -> list[str]:
    return [str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
