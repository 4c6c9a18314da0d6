"""The server's side of one HTTP/1.1 connection over a Stream: one request after the other, each answered once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import h11

from .types import Stream

Headers = Sequence[tuple[bytes, bytes]]
# What is still read of a request that was refused, so that its sender gets to see the answer.
LINGER_BYTES = 1024 * 1024
# What a client may send ahead while its last request is being answered.
MOST_AHEAD = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """How much a head may be, and how long each part of a request may take."""

    head_bytes: int = 64 * 1024
    head_s: float = 30
    body_s: float = 300
    idle_s: float = 600
    linger_s: float = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request's head."""

    method: str
    target: str
    headers: Headers

    def values(self, name: bytes) -> list[str]:
        """Every value of that header (in lower case)."""
        return [value.decode("latin-1") for key, value in self.headers if key == name]


class BadRequest(Exception):
    """The request breaks HTTP, is too large or too slow; `status` is the answer it has earned."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class TooLarge(BadRequest):
    """The body is larger than the caller allows."""

    def __init__(self, most: int) -> None:
        super().__init__(413, f"the request's body is larger than {most // (1024 * 1024)} MiB")


class Http1Connection:
    """Requests and answers on one connection. An answer's framing is chosen here; its headers carry none."""

    def __init__(self, stream: Stream, limits: HttpLimits) -> None:
        self._stream = stream
        self._limits = limits
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.head_bytes)
        self._ahead = 0

    async def request(self) -> Request | None:
        """The next request's head, or None where the client has ended; Malformed for what is none."""
        event = await self._head()
        if not isinstance(event, h11.Request):
            return None
        return Request(
            method=event.method.decode("latin-1"), target=event.target.decode("latin-1"), headers=event.headers
        )

    async def body(self, most: int) -> bytes:
        """The request's whole body; TooLarge where it is larger than that."""
        if self._http.they_are_waiting_for_100_continue:
            await self._stream.write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        try:
            async with asyncio.timeout(self._limits.body_s):
                return await self._body(most)
        except TimeoutError:
            raise BadRequest(408, "the request's body did not arrive in time") from None

    async def answer(self, status: int, headers: Headers, content: bytes) -> None:
        """Answers at once with all of it. Where the request was not read to its end, the connection ends with it."""
        ended = self._read_whole()
        closing: Headers = () if ended else ((b"connection", b"close"),)
        length = (b"content-length", str(len(content)).encode())
        data = self._http.send(h11.Response(status_code=status, headers=[*headers, length, *closing])) or b""
        data += self._http.send(h11.Data(data=content)) or b""
        data += self._http.send(h11.EndOfMessage()) or b""
        await self._stream.write(data)
        if not ended:
            await self._linger()

    async def start(self, status: int, headers: Headers) -> None:
        """Begins an answer whose parts follow."""
        await self._stream.write(self._http.send(h11.Response(status_code=status, headers=list(headers))) or b"")

    async def send(self, data: bytes) -> None:
        """The answer's next part."""
        await self._stream.write(self._http.send(h11.Data(data=data)) or b"")

    async def end(self) -> None:
        """The answer is whole."""
        await self._stream.write(self._http.send(h11.EndOfMessage()) or b"")

    def next(self) -> bool:
        """Whether another request may follow on this connection."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        self._ahead = 0
        return True

    async def cancel_on_disconnect(self, work: Coroutine[Any, Any, None]) -> None:
        """Does the work while the client is there; where it goes away the work is cancelled: ConnectionError.

        The request's body has been read before. A client that ends its side counts as gone.
        """
        working = asyncio.create_task(work)
        gone = asyncio.create_task(self._gone())
        try:
            await asyncio.wait([working, gone], return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise ConnectionResetError("the client is gone")
            await working
        finally:
            for task in (working, gone):
                task.cancel()
            await asyncio.gather(working, gone, return_exceptions=True)

    async def accept_connect(self) -> bytes:
        """Answers a CONNECT with success; from now on the connection is the tunnel's, beginning with these bytes."""
        self._read_whole()
        response = h11.Response(status_code=200, headers=[], reason=b"Connection established")
        await self._stream.write(self._http.send(response) or b"")
        return self._http.trailing_data[0]

    async def _gone(self) -> None:
        """Returns when the client has gone away; what it sends ahead meanwhile is kept for later."""
        while self._ahead < MOST_AHEAD:
            data = await self._stream.read()
            if not data:
                return
            self._ahead += len(data)
            self._http.receive_data(data)
        await asyncio.Event().wait()

    async def _head(self) -> h11.Request | h11.ConnectionClosed:
        """Waits long for a request's first byte and not so long for the rest of its head."""
        limit = self._limits.head_s if self._http.trailing_data[0] else self._limits.idle_s
        deadline = asyncio.timeout(limit)
        try:
            async with deadline:
                while (event := self._event()) is h11.NEED_DATA:
                    data = await self._stream.read()
                    if data and not self._http.trailing_data[0]:
                        deadline.reschedule(asyncio.get_running_loop().time() + self._limits.head_s)
                    self._http.receive_data(data)
        except TimeoutError:
            if not self._http.trailing_data[0]:
                return h11.ConnectionClosed()
            raise BadRequest(408, "the request's head did not arrive in time") from None
        assert isinstance(event, h11.Request | h11.ConnectionClosed)
        return event

    async def _body(self, most: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        while not isinstance(event := self._event(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                size += len(event.data)
                parts.append(bytes(event.data))
            else:
                self._http.receive_data(await self._stream.read())
            if size > most:
                raise TooLarge(most)
        return b"".join(parts)

    def _read_whole(self) -> bool:
        """Whether the request has been read to its end; what of it is here already is read now."""
        with contextlib.suppress(BadRequest):
            while self._http.their_state is h11.SEND_BODY:
                if self._event() is h11.NEED_DATA:
                    return False
        return self._http.their_state not in (h11.IDLE, h11.SEND_BODY, h11.ERROR)

    async def _linger(self) -> None:
        """Takes in some of what is still being sent: closing at once would take the answer away from its reader."""
        size = 0
        with contextlib.suppress(TimeoutError, ConnectionError):
            await self._stream.write_eof()
            async with asyncio.timeout(self._limits.linger_s):
                while size < LINGER_BYTES and (data := await self._stream.read()):
                    size += len(data)

    def _event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            raise BadRequest(error.error_status_hint, f"this is no HTTP request: {error}") from None
