"""The protocol of a link between a run and its guard: one connection's bytes both ways, and the guard's events.

A frame is a binary WebSocket message: one byte for its kind, then the payload. The run sends OPEN, then DATA, END and
ABORT. The guard sends DATA, END, ABORT and EVENT, and DONE last. A link that begins with HOLD carries no connection:
it keeps a guard of one run alive, and the guard answers DONE once it has taken the run's key. CREDIT and CLOSE belong
to links that carry several connections (`channels`).
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol

from unmoor.runtime.json_values import decode_object

from .types import RunCredentials

if TYPE_CHECKING:
    from aiohttp import ClientSession, ClientWebSocketResponse
    from aiohttp.web import WebSocketResponse

VERSION = 2
MAX_DATA = 64 * 1024
# The number of a channel, before the payload.
CHANNEL_BYTES = 4
MAX_FRAME = 1 + CHANNEL_BYTES + MAX_DATA
MAX_MESSAGE = 2 * MAX_DATA
MAX_NAME = 256
# HTTPS fronts close idle connections.
HEARTBEAT_S = 30


class Kind(IntEnum):
    """A frame's kind."""

    OPEN = 1
    DATA = 2
    END = 3
    ABORT = 4
    EVENT = 5
    DONE = 6
    HOLD = 7
    CREDIT = 8
    CLOSE = 9


KINDS = frozenset(kind.value for kind in Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame."""

    kind: Kind
    payload: bytes = b""


class ProtocolError(ConnectionError):
    """The other side sent something other than a frame, or ended too early."""


class FrameLink(Protocol):
    """Frames of one connection, over a link of its own or one that it shares."""

    async def receive(self) -> Frame | None: ...

    async def send(self, *frames: Frame) -> None: ...

    def abort(self) -> None: ...

    async def close(self) -> None: ...


class Link:
    """Frames over a WebSocket, on either side. `session` is closed with it."""

    def __init__(
        self, socket: ClientWebSocketResponse | WebSocketResponse, session: ClientSession | None = None
    ) -> None:
        self._socket = socket
        self._session = session
        self._closing: asyncio.Task[None] | None = None

    async def receive(self) -> Frame | None:
        """The next frame, None at the end. Cancelling the wait loses nothing."""
        from aiohttp import WSMsgType

        message = await self._socket.receive()
        if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
            return None
        data = message.data
        if message.type is not WSMsgType.BINARY or not data or data[0] not in KINDS or len(data) > MAX_FRAME:
            raise ProtocolError("not a frame")
        return Frame(kind=Kind(data[0]), payload=data[1:])

    async def send(self, *frames: Frame) -> None:
        """Sends frames, and waits while the other side does not read."""
        for frame in frames:
            if self._socket.closed:
                raise ConnectionResetError("the link is closed")
            await self._socket.send_bytes(bytes([frame.kind]) + frame.payload)

    def abort(self) -> None:
        """Begins to close."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())

    async def close(self) -> None:
        """Closes; does nothing if it is closed."""
        self.abort()
        assert self._closing is not None
        await self._closing

    async def _close(self) -> None:
        await self._socket.close()
        if self._session is not None:
            await self._session.close()


def open_frame(credentials: RunCredentials) -> Frame:
    """The first frame: whose connection it is, and its token."""
    values = {"version": VERSION, "run": credentials.run, "token": credentials.token}
    return Frame(kind=Kind.OPEN, payload=json.dumps(values).encode())


def hold_frame(key: str) -> Frame:
    """The first frame of a runner that holds a guard: the key under which its run's tokens are made."""
    return Frame(kind=Kind.HOLD, payload=json.dumps({"version": VERSION, "key": key}).encode())


def key_of(frame: Frame) -> str:
    """The key of a HOLD frame; ProtocolError for any other frame."""
    values = json_of(frame) if frame.kind is Kind.HOLD else {}
    key = _name(values.get("key"))
    if values.get("version") != VERSION or not key:
        raise ProtocolError("the link does not begin with a HOLD frame of this release")
    return key


def credentials_of(frame: Frame) -> RunCredentials:
    """The run and token of an OPEN frame; ProtocolError for any other frame."""
    values = json_of(frame) if frame.kind is Kind.OPEN else {}
    run, token = _name(values.get("run")), _name(values.get("token"))
    if values.get("version") != VERSION or not run or not token:
        raise ProtocolError("the link does not begin with an OPEN frame of this release")
    return RunCredentials(run=run, token=token)


def json_of(frame: Frame) -> dict[str, Any]:
    """The JSON object in a payload; ProtocolError if it holds none."""
    if (values := decode_object(frame.payload)) is None:
        raise ProtocolError("the payload is not a JSON object")
    return values


def data_frames(data: bytes) -> list[Frame]:
    """The data in as many frames as it needs."""
    return [Frame(kind=Kind.DATA, payload=data[i : i + MAX_DATA]) for i in range(0, len(data), MAX_DATA)]


def _name(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= MAX_NAME else ""
