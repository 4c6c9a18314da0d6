"""The guard's side of a link: the run's connection as a Stream, and its events on the way back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from unmoor.runtime.events import GuardEvent, as_json
from unmoor.runtime.logs import Log, null_log

from .frames import MOST_DATA, Frame, Frames, Kind, ProtocolError, data_frames, grant_of
from .types import ConnectionHandler, RunCredentials, Stream

OPENING_S = 10

Settle = Callable[[], Awaitable[None]]
DONE_S = 5


async def serve_link(
    under: Stream,
    way: ConnectionHandler,
    *,
    settle: Settle,
    released: Callable[[], None] = lambda: None,
    log: Log = null_log,
) -> None:
    """Serves the one connection of a link to its end, and closes the link. Where the link holds the guard and carries
    no connection, `released` is called at its end; `settle` is awaited before any other ends."""
    frames = Frames(under)
    try:
        async with asyncio.timeout(OPENING_S):
            first = await frames.next()
        if first is not None and first.kind is Kind.HOLD:
            await _held(frames, released)
        elif first is not None:
            await _serve(frames, grant_of(first), way, settle)
        await under.close()
    except (ConnectionError, TimeoutError) as error:
        log("a link broke", why=str(error) or type(error).__name__)
        under.abort()
    except BaseException:
        under.abort()
        raise


async def _serve(frames: Frames, grant: RunCredentials, way: ConnectionHandler, settle: Settle) -> None:
    stream = LinkedStream(frames)
    try:
        await way.serve(stream, grant, stream.emit)
        await settle()
    except BaseException:
        stream.abort()
        raise
    finally:
        # Also where the guard is told to stop: what was used until then is still said.
        async with asyncio.timeout(DONE_S):
            await stream.wait_closed()


async def _held(frames: Frames, released: Callable[[], None]) -> None:
    """A run that dies lets go as well: its end of the connection goes with it."""
    try:
        while await frames.next():
            pass
    finally:
        released()


class LinkedStream:
    """The connection at the other end of the link."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames
        self._left = b""
        self._read_end = False
        self._written_end = False
        self._broken = False
        self._sending: set[asyncio.Task[None]] = set()

    async def read(self, most: int = MOST_DATA) -> bytes:
        while not self._left and not self._read_end:
            self._take(await self._frames.next())
        data, self._left = self._left[:most], self._left[most:]
        return data

    async def write(self, data: bytes) -> None:
        if self._broken or self._written_end:
            raise ConnectionResetError("the connection is closed")
        await self._frames.send(*data_frames(data))

    async def write_eof(self) -> None:
        if not self._broken and not self._written_end:
            self._written_end = True
            await self._frames.send(Frame(kind=Kind.END))

    def abort(self) -> None:
        if not self._broken and not self._written_end:
            self._broken = True
            self._start(self._frames.send(Frame(kind=Kind.ABORT)))

    async def close(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self.write_eof()

    def emit(self, event: GuardEvent) -> None:
        """Sends an event beside the bytes."""
        self._start(self._frames.send(Frame(kind=Kind.EVENT, payload=as_json(event).encode()[:MOST_DATA])))

    async def wait_closed(self) -> None:
        """All has been said."""
        if self._sending:
            await asyncio.wait(self._sending)
        await self._frames.send(Frame(kind=Kind.DONE))

    def _take(self, frame: Frame | None) -> None:
        if frame is None or frame.kind is Kind.ABORT:
            self._broken = self._broken or frame is not None
            raise ConnectionResetError("the client is gone")
        if frame.kind is Kind.DATA:
            self._left = frame.payload
        elif frame.kind is Kind.END:
            self._read_end = True
        else:
            raise ProtocolError(f"a run does not say {frame.kind.name.lower()}")

    def _start(self, sending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_if_possible(sending))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


async def _if_possible(sending: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(ConnectionError):
        await sending
