"""The server's side of one HTTP/1.1 connection over a Stream: one request at a time, each with one response."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

import h11

from unmoor.runtime.head_size import head_problem

from .types import Stream

Headers = Sequence[tuple[bytes, bytes]]
# How much of a refused request is still read, so that its sender sees the response.
LINGER_BYTES = 1024 * 1024
# How much a client may send ahead before its last request has a response.
MAX_AHEAD = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """The size limit of a head, and the time limit of each part of a request."""

    head_bytes: int = 64 * 1024
    headers: int = 256
    head_s: float = 30
    body_s: float = 300
    body_idle_s: float = 30
    idle_s: float = 600
    linger_s: float = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request's head."""

    method: str
    target: str
    headers: Headers

    def values(self, name: bytes) -> list[str]:
        """Every value of a header; its name is in lower case."""
        return [value.decode("latin-1") for key, value in self.headers if key == name]


class BadRequest(Exception):
    """The request is invalid, too large or too slow; `status` is the response's."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class TooLarge(BadRequest):
    """The body is larger than the caller allows."""

    def __init__(self, max_size: int) -> None:
        super().__init__(413, f"the request's body is larger than {max_size // (1024 * 1024)} MiB")


async def _do_nothing(count: int) -> None:
    pass


class Http1Connection:
    """Requests and responses on one connection. It frames the responses; their headers must not."""

    def __init__(self, stream: Stream, limits: HttpLimits) -> None:
        self._stream = stream
        self._limits = limits
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.head_bytes)
        self._ahead = 0

    async def request(self) -> Request | None:
        """The next request's head, None if the client has ended; BadRequest if it is invalid."""
        event = await self._head()
        if not isinstance(event, h11.Request):
            return None
        self._check_size(event)
        return Request(
            method=event.method.decode("latin-1"), target=event.target.decode("latin-1"), headers=event.headers
        )

    async def body(self, max_size: int, grow: Callable[[int], Awaitable[None]] = _do_nothing) -> bytes:
        """The request's whole body; TooLarge above the limit. `grow` is awaited before more bytes are kept."""
        if self._http.they_are_waiting_for_100_continue:
            await self._stream.write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        try:
            async with asyncio.timeout(self._limits.body_s):
                return await self._body(max_size, grow)
        except TimeoutError:
            raise BadRequest(408, "the request's body did not arrive in time") from None

    async def respond(self, status: int, headers: Headers, content: bytes) -> None:
        """Sends a whole response. If the request was not read to its end, the connection ends too."""
        complete = self._read_rest()
        closing: Headers = () if complete else ((b"connection", b"close"),)
        length = (b"content-length", str(len(content)).encode())
        data = self._http.send(h11.Response(status_code=status, headers=[*headers, length, *closing])) or b""
        data += self._http.send(h11.Data(data=content)) or b""
        data += self._http.send(h11.EndOfMessage()) or b""
        await self._stream.write(data)
        if not complete:
            await self._linger()

    async def start(self, status: int, headers: Headers) -> None:
        """Begins a response whose parts follow."""
        await self._stream.write(self._http.send(h11.Response(status_code=status, headers=list(headers))) or b"")

    async def send(self, data: bytes) -> None:
        """Sends the response's next part."""
        await self._stream.write(self._http.send(h11.Data(data=data)) or b"")

    async def end(self) -> None:
        """Ends the response."""
        await self._stream.write(self._http.send(h11.EndOfMessage()) or b"")

    def next(self) -> bool:
        """Whether another request may follow on this connection."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        self._ahead = 0
        return True

    async def cancel_on_disconnect(self, work: Coroutine[Any, Any, None]) -> None:
        """Does the work, and cancels it with ConnectionError if the client goes away, or ends its side.

        The request's body must have been read.
        """
        working = asyncio.create_task(work)
        gone = asyncio.create_task(self._wait_gone())
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
        """Accepts a CONNECT; returns the tunnel's first bytes, which have already arrived."""
        self._read_rest()
        response = h11.Response(status_code=200, headers=[], reason=b"Connection established")
        await self._stream.write(self._http.send(response) or b"")
        return self._http.trailing_data[0]

    async def _wait_gone(self) -> None:
        """Returns when the client has gone away, and buffers what it sends ahead."""
        while self._ahead < MAX_AHEAD:
            data = await self._stream.read()
            if not data:
                return
            self._ahead += len(data)
            self._http.receive_data(data)
        await asyncio.Event().wait()

    async def _head(self) -> h11.Request | h11.ConnectionClosed:
        """Waits longer for a request's first byte than for the rest of its head."""
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

    def _check_size(self, head: h11.Request) -> None:
        limits = self._limits
        problem = head_problem(
            len(head.target), head.headers, most_bytes=limits.head_bytes, most_headers=limits.headers
        )
        if problem:
            raise BadRequest(431, problem)

    async def _body(self, max_size: int, grow: Callable[[int], Awaitable[None]]) -> bytes:
        parts: list[bytes] = []
        size = 0
        while not isinstance(event := self._event(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                size += len(event.data)
                if size > max_size:
                    raise TooLarge(max_size)
                await grow(len(event.data))
                parts.append(bytes(event.data))
            else:
                async with asyncio.timeout(self._limits.body_idle_s):
                    data = await self._stream.read()
                self._http.receive_data(data)
        return b"".join(parts)

    def _read_rest(self) -> bool:
        """Whether the request has been read to its end, after reading what has arrived."""
        with contextlib.suppress(BadRequest):
            while self._http.their_state is h11.SEND_BODY:
                if self._event() is h11.NEED_DATA:
                    return False
        return self._http.their_state not in (h11.IDLE, h11.SEND_BODY, h11.ERROR)

    async def _linger(self) -> None:
        """Reads some of the remaining request: closing at once could discard the response that the client reads."""
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
            raise BadRequest(error.error_status_hint, f"invalid HTTP request: {error}") from None
