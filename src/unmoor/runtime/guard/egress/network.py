"""The real network: the only place where the egress proxy resolves names and opens connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from unmoor.runtime.guard.transport.sockets import SocketStream
from unmoor.runtime.guard.transport.types import Stream

# Separate from asyncio's few threads, so that slow name resolution does not block everything else.
LOOKUPS = 16


class Network:
    """Resolves names and connects."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="resolve")

    async def resolve(self, host: str) -> Sequence[str]:
        """Every address of the host. The final dot keeps this machine's search domains out of it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _lookup, f"{host}.")

    async def dial(self, address: str, port: int) -> Stream:
        """A connection to the address."""
        return SocketStream(*await asyncio.open_connection(address, port))

    def close(self) -> None:
        """Stops resolving."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _lookup(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))
