"""Clients of the guard, as raw as a test needs them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from unmoor.runtime.guard.transport.sockets import SocketStream


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[SocketStream]:
    """A connection to a port of loopback, broken at the end if it is still there."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    stream = SocketStream(reader, writer)
    try:
        yield stream
    finally:
        stream.abort()
        await stream.close()
