"""Connections of the HTTP server: bounded in number and in the time for a request's head.

uvicorn has no deadline for a head. A client that sends half of one, many times, would use up the process's files.
"""

from __future__ import annotations

import asyncio
import resource
from dataclasses import dataclass, field
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# Seconds from the first byte of a request's head to its last.
HEAD_S = 20.0
# More than any server needs, whatever the process's limit of files is.
MOST_CONNECTIONS, MOST_ACCEPTED = 10_000, 1024


@dataclass(slots=True, kw_only=True)
class OpenConnections:
    """The connections of one server, at most `most`. At the limit, a new one replaces the oldest whose request is
    incomplete, otherwise the one that has been idle longest. One that is being answered is never closed."""

    most: int
    incomplete: dict[BoundedConnection, None] = field(default_factory=dict)
    idle: dict[BoundedConnection, None] = field(default_factory=dict)
    answered: dict[BoundedConnection, None] = field(default_factory=dict)

    def move(self, connection: BoundedConnection, to: dict[BoundedConnection, None]) -> None:
        """Moves a connection to one of the three groups, as its newest."""
        self.remove(connection)
        to[connection] = None

    def remove(self, connection: BoundedConnection) -> None:
        for group in (self.incomplete, self.idle, self.answered):
            group.pop(connection, None)

    def make_room(self) -> bool:
        """Whether one more connection may stay; at the limit it closes another first."""
        if len(self.incomplete) + len(self.idle) + len(self.answered) < self.most:
            return True
        oldest = next(iter(self.incomplete or self.idle), None)
        if oldest is None:
            return False
        self.remove(oldest)
        oldest.transport.abort()
        return True


class BoundedConnection(H11Protocol):
    """One connection, with a deadline for each head. `opened` and `head_s` are set by `bounded_protocol`."""

    opened: OpenConnections
    head_s: float = HEAD_S
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
        if self.opened.make_room():
            self.opened.move(self, self.opened.incomplete)
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_deadline()
        self.opened.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._follow()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self._follow()

    def _follow(self) -> None:
        """Groups the connection by how far its request is, and starts or ends the deadline of its head."""
        head_begun = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if not head_begun:
            self._stop_deadline()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.head_s, self.transport.abort)
        if head_begun or self.conn.their_state is h11.SEND_BODY:
            self.opened.move(self, self.opened.incomplete)
        elif self.cycle is not None and not self.cycle.response_complete:
            self.opened.move(self, self.opened.answered)
        else:
            self.opened.move(self, self.opened.idle)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def bounded_protocol(most: int, head_s: float = HEAD_S) -> type[H11Protocol]:
    """The protocol of one server, whose connections share a limit."""
    values: dict[str, Any] = {"opened": OpenConnections(most=most), "head_s": head_s}
    return type("ServerConnection", (BoundedConnection,), values)


def connection_limit() -> int:
    """The most connections of a server: a quarter of the files that this process may open."""
    return min(MOST_CONNECTIONS, _file_limit() // 4)


def accept_limit() -> int:
    """The most connections that asyncio accepts at one time. It does so up to three times before the first of them
    count, and without a free file it stops accepting for a second."""
    return max(1, min(MOST_ACCEPTED, _file_limit() // 8))


def _file_limit() -> int:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 4 * MOST_CONNECTIONS if limit == resource.RLIM_INFINITY else limit
