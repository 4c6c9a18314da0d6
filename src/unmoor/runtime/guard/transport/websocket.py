"""Links over WebSockets, for a guard behind an HTTPS front."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .identity import Identity

if TYPE_CHECKING:
    from aiohttp import ClientSession, ClientWebSocketResponse
    from aiohttp.web import WebSocketResponse

MOST_MESSAGE = 1024 * 1024
# Fronts close a connection on which nothing moves.
HEARTBEAT_S = 30
CONNECT_S = 10


class WebSocketStream:
    """A Stream over a WebSocket's binary messages, on either side."""

    def __init__(
        self, socket: ClientWebSocketResponse | WebSocketResponse, session: ClientSession | None = None
    ) -> None:
        self._socket = socket
        self._session = session
        self._left = b""
        self._closing: asyncio.Task[None] | None = None

    async def read(self, most: int = 65536) -> bytes:
        from aiohttp import WSMsgType

        while not self._left:
            message = await self._socket.receive()
            if message.type is not WSMsgType.BINARY:
                return b""
            self._left = message.data
        data, self._left = self._left[:most], self._left[most:]
        return data

    async def write(self, data: bytes) -> None:
        if self._socket.closed:
            raise ConnectionResetError("the connection is closed")
        await self._socket.send_bytes(data)

    async def write_eof(self) -> None:
        """A WebSocket has no half-close; the link's own frames say the end."""

    def abort(self) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())

    async def close(self) -> None:
        self.abort()
        assert self._closing is not None
        await self._closing

    async def _close(self) -> None:
        await self._socket.close()
        if self._session is not None:
            await self._session.close()


async def dial(url: str, identity: Identity) -> WebSocketStream:
    """A WebSocket to a guard; ConnectionError if it cannot connect."""
    import aiohttp

    headers = await identity.headers()
    session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S))
    try:
        async with asyncio.timeout(CONNECT_S):
            socket = await session.ws_connect(
                url, headers=headers, heartbeat=HEARTBEAT_S, max_msg_size=MOST_MESSAGE, compress=0
            )
    except aiohttp.WSServerHandshakeError as error:
        await session.close()
        raise ConnectionError(f"the guard's front answers {error.status}") from None
    except (aiohttp.ClientError, TimeoutError):
        await session.close()
        raise ConnectionError("the guard does not answer") from None
    return WebSocketStream(socket, session)
