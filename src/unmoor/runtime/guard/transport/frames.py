"""What is said on a link between a run and its guard: one connection's bytes both ways, and events beside them.

A frame is a byte for its kind, four for the length of its payload (most significant first), and the payload. The run
says open first and then data, end and abort; the guard says data, end, abort and event, and done when all is said.
A link that begins with hold carries nothing: while it is there, the run is.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from .types import RunCredentials, Stream

VERSION = 1
HEAD = 5
MOST_DATA = 64 * 1024
MOST_NAME = 256


class Kind(IntEnum):
    """What a frame is. That it begins with a small number tells a link from HTTP, which begins with a letter."""

    OPEN = 1
    DATA = 2
    END = 3
    ABORT = 4
    EVENT = 5
    DONE = 6
    HOLD = 7


KINDS = frozenset(kind.value for kind in Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame."""

    kind: Kind
    payload: bytes = b""


class ProtocolError(ConnectionError):
    """What came is no frame, or ended in the middle of one."""


def encode(frame: Frame) -> bytes:
    """The frame as it is sent."""
    return bytes([frame.kind]) + len(frame.payload).to_bytes(4, "big") + frame.payload


def open_frame(grant: RunCredentials) -> Frame:
    """The first frame: whose connection it is, and the token that opens the door."""
    values = {"version": VERSION, "run": grant.run, "token": grant.token}
    return Frame(kind=Kind.OPEN, payload=json.dumps(values).encode())


def grant_of(frame: Frame) -> RunCredentials:
    """What an opening frame says; LinkBroken for any other."""
    values = json_of(frame) if frame.kind is Kind.OPEN else {}
    run, token = _text(values.get("run")), _text(values.get("token"))
    if values.get("version") != VERSION or not run or not token:
        raise ProtocolError("this is no opening of a link that this release understands")
    return RunCredentials(run=run, token=token)


def json_of(frame: Frame) -> dict[str, Any]:
    """The payload's object; LinkBroken where it is none."""
    try:
        values = json.loads(frame.payload)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise ProtocolError("a frame's payload is no JSON object")
    return values


class Decoder:
    """Finds frames in bytes that may be cut anywhere."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def feed(self, data: bytes) -> None:
        self._kept += data

    def next(self) -> Frame | None:
        """The next frame that is whole, or None; LinkBroken for what is none."""
        if len(self._kept) < HEAD:
            return None
        size = int.from_bytes(self._kept[1:HEAD], "big")
        if self._kept[0] not in KINDS or size > MOST_DATA:
            raise ProtocolError("this is no frame")
        if len(self._kept) < HEAD + size:
            return None
        frame = Frame(kind=Kind(self._kept[0]), payload=bytes(self._kept[HEAD : HEAD + size]))
        del self._kept[: HEAD + size]
        return frame

    @property
    def empty(self) -> bool:
        return not self._kept


class Frames:
    """Frames over a byte stream, in both directions."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._decoder = Decoder()
        self._sending = asyncio.Lock()

    async def next(self) -> Frame | None:
        """The next frame, or None at the end; LinkBroken where it comes too early. Giving up the wait loses nothing."""
        while (frame := self._decoder.next()) is None:
            data = await self._stream.read(MOST_DATA)
            if not data:
                if self._decoder.empty:
                    return None
                raise ProtocolError("the link broke off")
            self._decoder.feed(data)
        return frame

    async def send(self, *frames: Frame) -> None:
        """Sends frames, and waits while the other side does not take them."""
        if frames:
            async with self._sending:
                await self._stream.write(b"".join(map(encode, frames)))


def data_frames(data: bytes) -> list[Frame]:
    """The data in as many frames as it needs."""
    return [Frame(kind=Kind.DATA, payload=data[i : i + MOST_DATA]) for i in range(0, len(data), MOST_DATA)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= MOST_NAME else ""
