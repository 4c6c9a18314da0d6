"""Several connections over one link, each with its own flow control.

A platform may give a small instance one request at a time and bill it while the request is open: all connections of a
run then share one request. A frame's payload begins with its channel's number. OPEN opens a channel, CREDIT allows its
sender so many more bytes of DATA, and CLOSE ends it. Either side drops frames of channels that it has closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable, Coroutine
from typing import Any

from .frames import MAX_DATA, Frame, Kind, Link, ProtocolError

NUMBER, COUNT = struct.Struct("!I"), struct.Struct("!I")
# How many bytes of DATA may be on their way in one direction of a channel before its reader takes them.
WINDOW = 256 * 1024


class Channel:
    """One connection of a shared link, with the methods of a link of its own."""

    def __init__(self, shared: SharedLink, number: int) -> None:
        self._shared = shared
        self._number = number
        self._arrived: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._waiting_bytes = self._taken_bytes = 0
        self._credit = WINDOW
        self._may_send = asyncio.Event()
        self._ended = False

    async def receive(self) -> Frame | None:
        """The next frame, None at the end. Cancelling the wait loses nothing."""
        frame = await self._arrived.get()
        if frame is None:
            self._arrived.put_nowait(None)
        elif frame.kind is Kind.DATA:
            self._waiting_bytes -= len(frame.payload)
            self._taken_bytes += len(frame.payload)
            if self._taken_bytes >= WINDOW // 2:
                self._shared.post(self._number, Frame(kind=Kind.CREDIT, payload=COUNT.pack(self._taken_bytes)))
                self._taken_bytes = 0
        return frame

    async def send(self, *frames: Frame) -> None:
        """Sends frames, and waits while the other side does not read."""
        for frame in frames:
            if frame.kind is Kind.DATA:
                await self._take_credit(len(frame.payload))
            if self._ended:
                raise ConnectionResetError("the link is closed")
            await self._shared.send(self._number, frame)

    def abort(self) -> None:
        """Closes."""
        if not self._ended:
            self._shared.post(self._number, Frame(kind=Kind.CLOSE))
            self.end()

    async def close(self) -> None:
        """Closes; does nothing if it is closed."""
        self.abort()

    def deliver(self, frame: Frame) -> None:
        """Takes a frame of the other side; ProtocolError if it sends more than it may."""
        match frame.kind:
            case Kind.CREDIT:
                self._credit += _count(frame)
                self._may_send.set()
            case Kind.CLOSE:
                self.end()
            case _:
                self._waiting_bytes += len(frame.payload) if frame.kind is Kind.DATA else 0
                if self._waiting_bytes > WINDOW + MAX_DATA:
                    raise ProtocolError("the other side sends more than it may")
                self._arrived.put_nowait(frame)

    def end(self) -> None:
        """Forgets the channel; frames that have arrived can still be received."""
        if not self._ended:
            self._ended = True
            self._may_send.set()
            self._arrived.put_nowait(None)
            self._shared.forget(self._number)

    async def _take_credit(self, count: int) -> None:
        """The last frame may exceed the window, so that no frame must be split."""
        while self._credit <= 0 and not self._ended:
            self._may_send.clear()
            await self._may_send.wait()
        self._credit -= count


Accept = Callable[[Channel], Coroutine[Any, Any, None]]


class SharedLink:
    """Channels over a link, on either side. `accept` serves those that the other side opens, at most `most` at once."""

    def __init__(self, link: Link, *, accept: Accept | None = None, most: int = 512) -> None:
        self._link = link
        self._accept = accept
        self._most = most
        self._channels: dict[int, Channel] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._last = 0
        self.ended = asyncio.Event()
        self.on_idle: Callable[[], None] = lambda: None

    @property
    def idle(self) -> bool:
        """Whether it has no open channel."""
        return not self._channels

    async def serve(self) -> None:
        """Receives until the link ends, then ends its channels and waits for their tasks; ProtocolError for a frame
        that is invalid."""
        try:
            while (frame := await self._link.receive()) is not None:
                self._route(frame)
        finally:
            self.ended.set()
            for channel in [*self._channels.values()]:
                channel.end()
            await self._link.close()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def open_channel(self) -> Channel:
        """A new channel; its first frame opens it at the other side."""
        self._last += 1
        return self._add(self._last)

    async def send(self, number: int, frame: Frame) -> None:
        """Sends a channel's frame."""
        await self._link.send(Frame(kind=frame.kind, payload=NUMBER.pack(number) + frame.payload))

    def post(self, number: int, frame: Frame) -> None:
        """Sends a channel's frame soon."""
        if not self.ended.is_set():
            self._start(self.send(number, frame))

    def forget(self, number: int) -> None:
        """The channel has ended."""
        self._channels.pop(number, None)
        if not self._channels:
            self.on_idle()

    def abort(self) -> None:
        """Begins to close."""
        self._link.abort()

    def _route(self, frame: Frame) -> None:
        if len(frame.payload) < NUMBER.size:
            raise ProtocolError("the frame names no channel")
        (number,) = NUMBER.unpack_from(frame.payload)
        inner = Frame(kind=frame.kind, payload=frame.payload[NUMBER.size :])
        if channel := self._channels.get(number):
            return channel.deliver(inner)
        # A number is used once, in order; frames of one that has been used belong to a channel that has ended.
        if self._accept and inner.kind is Kind.OPEN and number > self._last:
            self._last = number
            if len(self._channels) >= self._most:
                return self.post(number, Frame(kind=Kind.CLOSE))
            channel = self._add(number)
            channel.deliver(inner)
            self._start(self._accept(channel))

    def _add(self, number: int) -> Channel:
        self._channels[number] = channel = Channel(self, number)
        return channel

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_suppress_broken(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _suppress_broken(work: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(ConnectionError):
        await work


def _count(frame: Frame) -> int:
    if len(frame.payload) != COUNT.size:
        raise ProtocolError("the credit is no number")
    return COUNT.unpack(frame.payload)[0]
