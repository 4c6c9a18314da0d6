"""The guard's side of a link: the run's connection as a Stream, and events on the way back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from unmoor.runtime.events import GuardEvent, as_json
from unmoor.runtime.logs import Log, null_log

from .frames import MAX_DATA, Frame, FrameLink, Kind, ProtocolError, credentials_of, data_frames, key_of
from .types import ConnectionHandler

OPENING_S = 10
DONE_S = 5


async def serve_link(
    link: FrameLink,
    handler: ConnectionHandler,
    *,
    settle: Callable[[], Awaitable[None]],
    hold: Callable[[str], bool] = lambda key: True,
    released: Callable[[], None] = lambda: None,
    log: Log = null_log,
) -> None:
    """Serves the one connection of a link to its end, awaits `settle`, and closes the link.

    A HOLD link carries no connection. `hold` says whether its runner's key is taken, and `released` is called at the
    end of a link whose key was.
    """
    try:
        async with asyncio.timeout(OPENING_S):
            first = await link.receive()
        if first is not None and first.kind is Kind.HOLD:
            if hold(key_of(first)):
                await _wait_released(link, released)
            else:
                log("another run's hold refused", level="warning")
        elif first is not None:
            await _serve(link, first, handler, settle)
        await link.close()
    except (ConnectionError, TimeoutError) as error:
        log("link broken", reason=str(error) or type(error).__name__)
        link.abort()
    except BaseException:
        link.abort()
        raise


async def _serve(
    link: FrameLink, first: Frame, handler: ConnectionHandler, settle: Callable[[], Awaitable[None]]
) -> None:
    credentials, stream = credentials_of(first), LinkedStream(link)
    try:
        await handler.serve(stream, credentials, stream.emit)
        await settle()
    except BaseException:
        stream.abort()
        raise
    finally:
        # Also when the guard is stopped: the usage until then is still reported.
        async with asyncio.timeout(DONE_S):
            await stream.finish()


async def _wait_released(link: FrameLink, released: Callable[[], None]) -> None:
    """A run that dies lets go too: its end of the link closes."""
    try:
        await link.send(Frame(kind=Kind.DONE))
        while await link.receive():
            pass
    finally:
        released()


class LinkedStream:
    """The connection at the run's end of the link."""

    def __init__(self, link: FrameLink) -> None:
        self._link = link
        self._buffer = b""
        self._read_end = False
        self._written_end = False
        self._broken = False
        self._sending: set[asyncio.Task[None]] = set()

    async def read(self, most: int = MAX_DATA) -> bytes:
        while not self._buffer and not self._read_end:
            self._take(await self._link.receive())
        data, self._buffer = self._buffer[:most], self._buffer[most:]
        return data

    async def write(self, data: bytes) -> None:
        if self._broken or self._written_end:
            raise ConnectionResetError("the connection is closed")
        await self._link.send(*data_frames(data))

    async def write_eof(self) -> None:
        if not self._broken and not self._written_end:
            self._written_end = True
            await self._link.send(Frame(kind=Kind.END))

    def abort(self) -> None:
        if not self._broken and not self._written_end:
            self._broken = True
            self._start(self._link.send(Frame(kind=Kind.ABORT)))

    async def close(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self.write_eof()

    def emit(self, event: GuardEvent) -> None:
        """Sends an event beside the bytes."""
        self._start(self._link.send(Frame(kind=Kind.EVENT, payload=as_json(event).encode()[:MAX_DATA])))

    async def finish(self) -> None:
        """Sends DONE after everything that is still being sent."""
        if self._sending:
            await asyncio.wait(self._sending)
        await self._link.send(Frame(kind=Kind.DONE))

    def _take(self, frame: Frame | None) -> None:
        if frame is None or frame.kind is Kind.ABORT:
            self._broken = self._broken or frame is not None
            raise ConnectionResetError("the client is gone")
        if frame.kind is Kind.DATA:
            self._buffer = frame.payload
        elif frame.kind is Kind.END:
            self._read_end = True
        else:
            raise ProtocolError(f"a run does not send {frame.kind.name}")

    def _start(self, sending: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_suppress_broken(sending))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


async def _suppress_broken(sending: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(ConnectionError):
        await sending
