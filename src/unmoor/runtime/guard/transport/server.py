"""A guard's listening side: links as frames, links as WebSockets, and a health check, all on one port."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Callable
from typing import Any

from aiohttp import web

from unmoor.container import HEALTH_PATH
from unmoor.runtime.logs import Log, null_log

from .frames import KINDS
from .link_server import serve_link
from .sockets import SocketStream
from .types import FlushableHandler, Stream
from .websocket import HEARTBEAT_S, MOST_MESSAGE, WebSocketStream

LINK_PATH = "/link"
FIRST_BYTE_S = 10
MOST_LINKS = 2000


class GuardServer:
    """Serves links while it is entered; at the end, those that are open may go on for `drain_s`.

    `released` is called when a run that held this guard has ended.
    """

    def __init__(
        self,
        way: FlushableHandler,
        *,
        host: str,
        port: int,
        drain_s: float = 4,
        most_links: int = MOST_LINKS,
        released: Callable[[], None] = lambda: None,
        log: Log = null_log,
    ) -> None:
        self._way = way
        self._host, self._port = host, port
        self._drain_s = drain_s
        self._most_links = most_links
        self._released = released
        self._log = log
        self._links: set[asyncio.Task[None]] = set()
        self._http: web.Server | None = None
        self._listening: asyncio.Server | None = None

    async def __aenter__(self) -> GuardServer:
        self._http = web.Server(self._answer, access_log=None)
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(lambda: _First(self), self._host, self._port, backlog=1024)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listening is not None
        assert self._http is not None
        self._listening.close()
        if self._links:
            self._log("draining", links=len(self._links))
            await asyncio.wait(self._links, timeout=self._drain_s)
        for task in self._links:
            task.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)
        await self._http.shutdown(0.5)

    @property
    def number(self) -> int:
        """The port's number, where it was left to the kernel."""
        assert self._listening is not None
        return self._listening.sockets[0].getsockname()[1]

    def accept_framed(self, transport: asyncio.Transport, first: bytes) -> None:
        """A connection that began with a frame."""
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader, self._accepted)
        _hand_over(transport, protocol, first)

    def http(self, transport: asyncio.Transport, first: bytes) -> None:
        """A connection that began with anything else."""
        assert self._http is not None
        _hand_over(transport, self._http(), first)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # asyncio's streams take a cancelled callback for an error.
        with contextlib.suppress(asyncio.CancelledError):
            await self._serve(SocketStream(reader, writer))

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "GET" and request.path == HEALTH_PATH:
            return web.json_response({"status": "ok", "links": len(self._links)})
        if request.method != "GET" or request.path != LINK_PATH:
            return web.Response(status=404)
        socket = web.WebSocketResponse(compress=False, heartbeat=HEARTBEAT_S, max_msg_size=MOST_MESSAGE)
        await socket.prepare(request)
        await self._serve(WebSocketStream(socket))
        return socket

    async def _serve(self, stream: Stream) -> None:
        if len(self._links) >= self._most_links:
            self._log("a link too many", level="warning", links=len(self._links))
            stream.abort()
            return await stream.close()
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        try:
            await serve_link(stream, self._way, settle=self._settle, released=self._released, log=self._log)
        except Exception as error:  # whatever it is, it must not end other links
            where = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
            self._log("a link failed", level="error", error=type(error).__name__, where=where)
        finally:
            self._links.discard(task)

    async def _settle(self) -> None:
        """A platform may give a guard no time but while a link is open: so the last one waits."""
        if len(self._links) == 1:
            await self._way.settle()


class _First(asyncio.Protocol):
    """Looks at a connection's first byte to see whose it is."""

    def __init__(self, server: GuardServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._patience = asyncio.get_running_loop().call_later(FIRST_BYTE_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._stop_waiting()
        if data[0] in KINDS:
            self._server.accept_framed(self._transport, data)
        else:
            self._server.http(self._transport, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()


def _hand_over(transport: asyncio.Transport, protocol: Any, first: bytes) -> None:
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    protocol.data_received(first)
