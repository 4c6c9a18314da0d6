"""A guard's listener: links of one connection or of several as WebSockets, and a health check, on one port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field

from aiohttp import web

from unmoor.container import HEALTH_PATH
from unmoor.runtime.logs import Log, null_log, stack_summary

from .channels import SharedLink
from .frames import HEARTBEAT_S, MAX_MESSAGE, FrameLink, Link
from .link_server import serve_link
from .types import FlushableHandler

LINK_PATH, SHARED_LINK_PATH = "/link", "/links"
# Seconds until a new connection has sent its one request.
HEAD_S = 10.0


class LinkConnection(web.RequestHandler):
    """One connection for one request; aiohttp has no deadline for a head."""

    def __init__(self, server: web.Server, *, loop: asyncio.AbstractEventLoop, head_s: float) -> None:
        super().__init__(server, loop=loop, access_log=None)  # type: ignore[arg-type]
        self._head_s = head_s
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert isinstance(transport, asyncio.Transport)
        self._deadline = asyncio.get_running_loop().call_later(self._head_s, transport.abort)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.stop_deadline()
        super().connection_lost(exc)

    def stop_deadline(self) -> None:
        """Called once the request's head has arrived."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


@dataclass(slots=True)
class GuardServer:
    """Serves links while entered; at the end, open ones may continue for `drain_s`.

    `hold` says whether a runner may hold this guard with its key, and `released` is called when one that did has ended.
    """

    handler: FlushableHandler
    _: KW_ONLY
    host: str
    port: int
    drain_s: float = 4
    max_links: int = 2000
    head_s: float = HEAD_S
    hold: Callable[[str], bool] = lambda key: True
    released: Callable[[], None] = lambda: None
    log: Log = null_log
    _links: set[asyncio.Task[None]] = field(init=False, default_factory=set[asyncio.Task[None]])
    _http: web.Server = field(init=False)
    _listener: asyncio.Server = field(init=False)

    async def __aenter__(self) -> GuardServer:
        self._http = web.Server(self._respond, access_log=None)
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(
            lambda: LinkConnection(self._http, loop=loop, head_s=self.head_s), self.host, self.port, backlog=1024
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        if self._links:
            self.log("draining", links=len(self._links))
            await asyncio.wait(self._links, timeout=self.drain_s)
        for task in self._links:
            task.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)
        await self._http.shutdown(0.5)

    @property
    def number(self) -> int:
        """The port, also if the kernel chose it."""
        return self._listener.sockets[0].getsockname()[1]

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request.protocol, LinkConnection)
        request.protocol.stop_deadline()
        response = await self._response(request)
        response.force_close()
        return response

    async def _response(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "GET" and request.path == HEALTH_PATH:
            return web.json_response({"status": "ok", "links": len(self._links)})
        if request.method != "GET" or request.path not in (LINK_PATH, SHARED_LINK_PATH):
            return web.Response(status=404)
        # Only a front needs them; without one, a run that reads slowly must not be taken for dead.
        heartbeat_s = HEARTBEAT_S if "x-forwarded-proto" in request.headers else None
        socket = web.WebSocketResponse(compress=False, heartbeat=heartbeat_s, max_msg_size=MAX_MESSAGE)
        await socket.prepare(request)
        link = Link(socket)
        await (self._serve(link) if request.path == LINK_PATH else self._serve_shared(link))
        return socket

    async def _serve_shared(self, link: Link) -> None:
        try:
            await SharedLink(link, accept=self._serve).serve()
        except ConnectionError as error:
            self.log("link broken", reason=str(error) or type(error).__name__)

    async def _serve(self, link: FrameLink) -> None:
        if len(self._links) >= self.max_links:
            self.log("too many links", level="warning", links=len(self._links))
            return await link.close()
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        try:
            await serve_link(
                link, self.handler, settle=self._settle, hold=self.hold, released=self.released, log=self.log
            )
        except Exception as error:  # must not end other links
            self.log("link failed", level="error", error=type(error).__name__, where=stack_summary(error))
        finally:
            self._links.discard(task)

    async def _settle(self) -> None:
        """The last link waits until spending is written: a platform may give a guard CPU only while a link is open."""
        if len(self._links) == 1:
            await self.handler.settle()
