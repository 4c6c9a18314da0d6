"""The run's side of a link to a guard elsewhere: a Way that carries each connection over one link of its own."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import SplitResult, urlsplit

from unmoor.runtime.backoff import Backoff
from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.events import Notice, guard_event

from .frames import Frame, Frames, Kind, ProtocolError, data_frames, json_of, open_frame
from .identity import caller_identity
from .sockets import SocketStream
from .types import Emit, RunCredentials, Stream

# A guard beside the run may still be starting when the harness asks for the first time.
PATIENCE_S = 20.0
BACKOFF = Backoff(first_s=0.05, cap_s=1.0)

Dial = Callable[[], Awaitable[Stream]]


class GuardLink:
    """Leads to the guard that `dial` connects to."""

    def __init__(self, dial: Dial, *, patience_s: float = PATIENCE_S) -> None:
        self._dial = dial
        self._patience_s = patience_s

    async def serve(self, stream: Stream, grant: RunCredentials, emit: Emit) -> None:
        """Carries one connection to its end and closes it."""
        try:
            under = await self._open()
        except OSError as error:
            emit(Notice(level="error", text=f"the guard cannot be reached: {error.strerror or type(error).__name__}"))
            return stream.abort()
        try:
            await self._carry(stream, Frames(under), grant, emit)
        except ConnectionError:
            emit(Notice(level="warning", text="the link to the guard broke"))
            stream.abort()
        finally:
            under.abort()
            await under.close()
            await stream.close()

    @asynccontextmanager
    async def keep_alive(self) -> AsyncIterator[None]:
        """Holds the guard: one that is there for a single run ends when it is let go, however that comes about."""
        holding = asyncio.create_task(self._hold())
        try:
            yield
        finally:
            # A guard that is still starting must be told too.
            with contextlib.suppress(OSError):
                (await holding).abort()

    async def _hold(self) -> Stream:
        stream = await self._open()
        await Frames(stream).send(Frame(kind=Kind.HOLD))
        return stream

    async def _open(self) -> Stream:
        deadline = asyncio.get_running_loop().time() + self._patience_s
        for failures in itertools.count(1):
            try:
                return await self._dial()
            except OSError:
                pause_s = BACKOFF.pause_s(failures)
                if asyncio.get_running_loop().time() + pause_s > deadline:
                    raise
            await asyncio.sleep(pause_s)
        raise AssertionError("counting does not end")

    async def _carry(self, stream: Stream, frames: Frames, grant: RunCredentials, emit: Emit) -> None:
        await frames.send(open_frame(grant))
        up = asyncio.create_task(_up(stream, frames))
        try:
            await _down(stream, frames, emit)
        finally:
            up.cancel()
            await asyncio.gather(up, return_exceptions=True)


async def _up(stream: Stream, frames: Frames) -> None:
    try:
        while data := await stream.read():
            await frames.send(*data_frames(data))
    except ConnectionError:
        return await frames.send(Frame(kind=Kind.ABORT))
    await frames.send(Frame(kind=Kind.END))


async def _down(stream: Stream, frames: Frames, emit: Emit) -> None:
    """Passes on what the guard says, until it is done. A client that is gone gets nothing, but events still come."""
    gone = False
    while frame := await frames.next():
        match frame.kind:
            case Kind.EVENT:
                with contextlib.suppress(ValueError, TypeError, KeyError, ArithmeticError):
                    emit(guard_event(json_of(frame)))
            case Kind.DONE:
                return
            case Kind.ABORT:
                gone = True
                stream.abort()
            case _ if gone:
                continue
            case _:
                try:
                    await (stream.write(frame.payload) if frame.kind is Kind.DATA else stream.write_eof())
                except ConnectionError:
                    gone = True
                    await frames.send(Frame(kind=Kind.ABORT))
    raise ProtocolError("the guard ended before it was done")


def connect_guard(url: str) -> GuardLink:
    """A link to the guard at that address: frames on a TCP connection for http, on a WebSocket for https."""
    parts, port = _address(url)
    if parts.scheme == "https" and parts.hostname:
        from .websocket import dial

        identity = caller_identity(parts.netloc)
        return GuardLink(lambda: dial(f"wss://{parts.netloc}/link", identity))
    if parts.scheme == "http" and parts.hostname and port:
        host = parts.hostname
        return GuardLink(lambda: _tcp(host, port))
    raise ConfigurationError(f"UNMOOR_GUARD_URL: {url!r} is no guard's address; write http://HOST:PORT or https://HOST")


def _address(url: str) -> tuple[SplitResult, int]:
    """The URL's parts and port; nothing of them where it is none."""
    try:
        parts = urlsplit(url)
        return parts, parts.port or 0
    except ValueError:
        return urlsplit(""), 0


async def _tcp(host: str, port: int) -> Stream:
    return SocketStream(*await asyncio.open_connection(host, port))
