"""What the guard's parts say to each other: whose a connection is, what a byte stream is, and who serves it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from unmoor.runtime.events import GuardEvent

Emit = Callable[[GuardEvent], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCredentials:
    """Whose a connection is: the run, and the token that its harness must show on it."""

    run: str
    token: str = field(repr=False)


def new_token() -> str:
    """A token for one run, which nobody can guess."""
    return secrets.token_urlsafe(32)


class Stream(Protocol):
    """One connection's bytes, both ways. Reading and writing raise ConnectionError where it is broken."""

    async def read(self, most: int = 65536) -> bytes:
        """The next bytes, or none at the other side's end. Giving up the wait loses nothing."""
        ...

    async def write(self, data: bytes) -> None:
        """Sends, and waits while the other side does not take it."""
        ...

    async def write_eof(self) -> None:
        """Says that nothing more is written; the other side may still write."""
        ...

    def abort(self) -> None:
        """Breaks it, so that the other side sees that something is missing."""
        ...

    async def close(self) -> None:
        """Ends it in order; nothing where it has ended already."""
        ...


class ConnectionHandler(Protocol):
    """Serves a run's connections: the guard's door itself, or a link that leads to it."""

    async def serve(self, stream: Stream, grant: RunCredentials, emit: Emit) -> None:
        """Serves one connection to its end and closes it; what the run should know of it is emitted."""
        ...


class FlushableHandler(ConnectionHandler, Protocol):
    """A connection handler with work left to flush after a connection has ended."""

    async def settle(self) -> None: ...
