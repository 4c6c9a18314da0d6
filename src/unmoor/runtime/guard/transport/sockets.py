"""Byte streams over sockets, and a relay between two of them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from .types import Stream

CHUNK = 65536


class SocketStream:
    """A Stream over one of asyncio's connections."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self, most: int = CHUNK) -> bytes:
        return await self._reader.read(most)

    async def write(self, data: bytes) -> None:
        if self._writer.is_closing():
            raise ConnectionResetError("the connection is closed")
        self._writer.write(data)
        await self._writer.drain()

    async def write_eof(self) -> None:
        if self._writer.can_write_eof() and not self._writer.is_closing():
            with contextlib.suppress(OSError):
                self._writer.write_eof()

    def abort(self) -> None:
        connection: socket.socket | None = self._writer.get_extra_info("socket")
        if connection is not None:
            # Without this the other side sees a normal end, and not that data is missing.
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def close(self) -> None:
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(10):
                await self._writer.wait_closed()


class RelayStats:
    """Bytes relayed in each direction, and the time of the last."""

    def __init__(self) -> None:
        self.sent = 0
        self.received = 0
        self.last = asyncio.get_running_loop().time()

    def count_bytes(self, count: int, *, up: bool) -> None:
        """Counts bytes; `up` is toward the remote host."""
        self.last = asyncio.get_running_loop().time()
        if up:
            self.sent += count
        else:
            self.received += count


async def relay(near: Stream, far: Stream, *, idle_s: float, stats: RelayStats) -> str:
    """Relays bytes until both sides have ended; returns how it ended. A break on one side breaks the other."""
    up = asyncio.create_task(_copy(near, far, stats, up=True))
    down = asyncio.create_task(_copy(far, near, stats, up=False))
    watch = asyncio.create_task(_wait_idle(stats, idle_s))
    both = asyncio.gather(up, down)
    try:
        await asyncio.wait([both, watch], return_when=asyncio.FIRST_COMPLETED)
        if both.done() and both.exception() is None:
            return "ended"
        near.abort()
        far.abort()
        return "broken" if both.done() else "idle"
    finally:
        for task in (up, down, watch):
            task.cancel()
        await asyncio.gather(up, down, watch, both, return_exceptions=True)


async def _copy(source: Stream, sink: Stream, stats: RelayStats, *, up: bool) -> None:
    while data := await source.read(CHUNK):
        await sink.write(data)
        stats.count_bytes(len(data), up=up)
    await sink.write_eof()


async def _wait_idle(stats: RelayStats, idle_s: float) -> None:
    loop = asyncio.get_running_loop()
    while (left := stats.last + idle_s - loop.time()) > 0:
        await asyncio.sleep(left)
