"""The types between the guard's parts: a run's credentials, a byte stream, and the handler of a connection."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from unmoor.runtime.events import GuardEvent

Emit = Callable[[GuardEvent], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCredentials:
    """The run that a connection belongs to, and the token that its harness must present."""

    run: str
    token: str = field(repr=False)


def new_token() -> str:
    """An unguessable token for one run."""
    return secrets.token_urlsafe(32)


class Stream(Protocol):
    """One connection's bytes, both ways. Reading and writing raise ConnectionError on a broken connection."""

    async def read(self, most: int = 65536) -> bytes:
        """The next bytes, empty at the other side's end. Cancelling the wait loses nothing."""
        ...

    async def write(self, data: bytes) -> None:
        """Sends, and waits while the other side does not read."""
        ...

    async def write_eof(self) -> None:
        """Ends this direction; the other side may still write."""
        ...

    def abort(self) -> None:
        """Breaks the connection, so that the other side sees that data is missing."""
        ...

    async def close(self) -> None:
        """Closes the connection in order; does nothing if it is closed."""
        ...


class ConnectionHandler(Protocol):
    """Serves a run's connections: the guard itself, or a link to it."""

    async def serve(self, stream: Stream, credentials: RunCredentials, emit: Emit, /) -> None:
        """Serves one connection to its end and closes it; events for the run are emitted."""
        ...


class FlushableHandler(ConnectionHandler, Protocol):
    """A connection handler with work left to flush after a connection has ended."""

    async def settle(self) -> None: ...
