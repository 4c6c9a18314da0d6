"""Links over WebSockets, for a guard behind a front that passes nothing else; and the proof that Cloud Run asks for."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import time
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

if TYPE_CHECKING:
    from aiohttp import ClientSession, ClientWebSocketResponse
    from aiohttp.web import WebSocketResponse

MOST_MESSAGE = 1024 * 1024
# Fronts close a connection on which nothing moves.
HEARTBEAT_S = 30
IDENTITY_S = 10
# A token that is about to expire is not shown any more.
MARGIN_S = 300


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


class Identity(Protocol):
    """Proves to a front who calls."""

    async def token(self) -> str: ...


class GoogleIdentity:
    """Tokens by which Cloud Run lets this container call a service, from the platform's own address for them.

    https://docs.cloud.google.com/run/docs/authenticating/service-to-service#acquire-token
    """

    def __init__(self, audience: str) -> None:
        host = os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
        path = "/computeMetadata/v1/instance/service-accounts/default/identity"
        self._url = f"http://{host}{path}?audience={quote(audience, safe='')}"
        self._token = ""
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        """A token that still holds for a while; ConnectionError where there is none."""
        async with self._lock:
            if time.time() >= self._until:
                self._token = await self._ask()
                self._until = _expires(self._token) - MARGIN_S
            return self._token

    async def _ask(self) -> str:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=IDENTITY_S)
        headers = {"Metadata-Flavor": "Google"}
        try:
            async with aiohttp.ClientSession(timeout=timeout) as session:
                answer = await session.get(self._url, headers=headers)
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            raise ConnectionError("the platform gives no identity token: it does not answer") from None
        if answer.status != 200:
            raise ConnectionError(f"the platform gives no identity token: it answers {answer.status}")
        return text.strip()


async def dial(url: str, identity: Identity) -> WebSocketStream:
    """A WebSocket to a guard; ConnectionError where it cannot be had."""
    import aiohttp

    headers = {"X-Serverless-Authorization": f"Bearer {await identity.token()}"}
    session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_connect=IDENTITY_S))
    try:
        async with asyncio.timeout(IDENTITY_S):
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


def _expires(token: str) -> float:
    """When a JWT says that it ends; very soon where it does not say."""
    try:
        payload = token.split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"])
    except (IndexError, KeyError, ValueError, TypeError):
        return time.time() + MARGIN_S + 60
