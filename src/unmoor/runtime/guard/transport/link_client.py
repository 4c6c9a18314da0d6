"""The run's side of links: each connection has a link to the guard, or a channel of a shared one."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from unmoor.runtime.backoff import Backoff
from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.events import Notice, guard_event

from .frames import (
    HEARTBEAT_S,
    MAX_MESSAGE,
    Frame,
    FrameLink,
    Kind,
    Link,
    ProtocolError,
    data_frames,
    hold_frame,
    json_of,
    open_frame,
)
from .identity import Identity, caller_identity
from .shared_client import SharedDial
from .types import Emit, RunCredentials, Stream, new_token

# A guard beside the run may still be starting at the harness's first request.
PATIENCE_S = 20.0
BACKOFF = Backoff(first_s=0.05, cap_s=1.0)
# A front holds the request while it starts a guard; a guard itself responds at once, unless it hangs.
FRONT_S, CONNECT_S = 10, 5

Dial = Callable[[], Awaitable[FrameLink]]


class GuardLink:
    """A ConnectionHandler that leads to the guard that `dial` connects to."""

    def __init__(self, dial: Dial, *, key: str = "", patience_s: float = PATIENCE_S) -> None:
        self._dial = dial
        self._key = key or new_token()
        self._patience_s = patience_s

    async def serve(self, stream: Stream, credentials: RunCredentials, emit: Emit) -> None:
        """Carries one connection to its end and closes it."""
        try:
            link = await self._open()
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
            emit(Notice(level="error", text=f"the guard cannot be reached: {reason}"))
            return stream.abort()
        try:
            await _carry(stream, link, credentials, emit)
        except ConnectionError:
            emit(Notice(level="warning", text="the link to the guard broke"))
            stream.abort()
        finally:
            await link.close()
            await stream.close()

    @asynccontextmanager
    async def keep_alive(self) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Holds a guard of a single run, which ends when the link does, even if this process dies. Yields a wait for
        the guard to have taken the run's key; OSError if it does not."""
        holding = asyncio.create_task(self._hold())

        async def until_held() -> None:
            await asyncio.shield(holding)

        try:
            yield until_held
        finally:
            # A guard that is still starting must learn of the end too.
            with contextlib.suppress(OSError):
                await (await holding).close()

    async def _hold(self) -> FrameLink:
        link = await self._open()
        await link.send(hold_frame(self._key))
        answer = await link.receive()
        if answer is None or answer.kind is not Kind.DONE:
            await link.close()
            raise ConnectionRefusedError("another run holds the guard")
        return link

    async def _open(self) -> FrameLink:
        deadline = asyncio.get_running_loop().time() + self._patience_s
        for failures in itertools.count(1):
            try:
                return await self._dial()
            except ConnectionError:
                pause_s = BACKOFF.pause_s(failures)
                if asyncio.get_running_loop().time() + pause_s > deadline:
                    raise
            await asyncio.sleep(pause_s)
        raise AssertionError("counting does not end")


class SharedGuardLink(GuardLink):
    """A GuardLink whose connections share a link, which is closed while there is none."""

    def __init__(self, shared: SharedDial, *, patience_s: float = PATIENCE_S) -> None:
        super().__init__(shared, patience_s=patience_s)
        self._shared = shared

    @asynccontextmanager
    async def keep_alive(self) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Starts a guard while the run still prepares; it ends when no link needs it. There is nothing to wait for."""
        starting = asyncio.create_task(self._start())

        async def until_held() -> None:
            return

        try:
            yield until_held
        finally:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            await self._shared.close()

    async def _start(self) -> None:
        with contextlib.suppress(OSError):
            await (await self._open()).close()


async def _carry(stream: Stream, link: FrameLink, credentials: RunCredentials, emit: Emit) -> None:
    await link.send(open_frame(credentials))
    up = asyncio.create_task(_send_up(stream, link))
    try:
        await _pass_down(stream, link, emit)
    finally:
        up.cancel()
        await asyncio.gather(up, return_exceptions=True)


async def _send_up(stream: Stream, link: FrameLink) -> None:
    try:
        while data := await stream.read():
            await link.send(*data_frames(data))
    except ConnectionError:
        return await link.send(Frame(kind=Kind.ABORT))
    await link.send(Frame(kind=Kind.END))


async def _pass_down(stream: Stream, link: FrameLink, emit: Emit) -> None:
    """Passes the guard's bytes and events on until DONE; the events also once the client is gone."""
    gone = False
    while frame := await link.receive():
        match frame.kind:
            case Kind.EVENT:
                with contextlib.suppress(ValueError, TypeError, KeyError, ArithmeticError):
                    emit(guard_event(json_of(frame)))
            case Kind.DONE:
                return
            case Kind.ABORT:
                gone = True
                stream.abort()
            case _ if not gone:
                try:
                    await (stream.write(frame.payload) if frame.kind is Kind.DATA else stream.write_eof())
                except ConnectionError:
                    gone = True
                    await link.send(Frame(kind=Kind.ABORT))
    raise ProtocolError("the guard closed the link before DONE")


def connect_guard(url: str, *, key: str = "") -> GuardLink:
    """A link to the guard at that address: http://HOST:PORT, or https://HOST behind a front. `key` is the one under
    which the run's tokens are made."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.hostname:
            identity = caller_identity(parts.netloc)
            return SharedGuardLink(
                SharedDial(
                    lambda: dial(f"https://{parts.netloc}/links", identity, timeout_s=FRONT_S, heartbeat_s=HEARTBEAT_S)
                )
            )
        if parts.scheme == "http" and parts.hostname and parts.port:
            return GuardLink(lambda: dial(f"http://{parts.netloc}/link"), key=key)
    raise ConfigurationError(
        f"UNMOOR_GUARD_URL: {url!r} is not a guard's address; write http://HOST:PORT or https://HOST"
    )


async def dial(
    url: str, identity: Identity | None = None, *, timeout_s: float = CONNECT_S, heartbeat_s: float | None = None
) -> Link:
    """A link to a guard; ConnectionError if it cannot connect, TimeoutError if the guard does not respond."""
    import aiohttp

    headers = await identity.headers() if identity else {}
    async with contextlib.AsyncExitStack() as opened:
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_connect=timeout_s))
        await opened.enter_async_context(session)
        try:
            async with asyncio.timeout(timeout_s):
                socket = await session.ws_connect(
                    url, headers=headers, heartbeat=heartbeat_s, max_msg_size=MAX_MESSAGE, compress=0
                )
        except TimeoutError:
            raise TimeoutError("it does not respond") from None
        except aiohttp.ClientError as error:
            status = error.status if isinstance(error, aiohttp.WSServerHandshakeError) else 0
            raise ConnectionError(f"its front responds {status}" if status else "it cannot be connected to") from None
        opened.pop_all()
        return Link(socket, session)
