"""The HTTP server: bound before anything starts, stopped within seconds."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from unmoor.runtime.errors import ConfigurationError

from .connections import HEAD_S, accept_limit, bounded_protocol, connection_limit
from .head_limit import MAX_HEAD_BYTES, limit_heads

# Seconds for open requests, of the shortest grace period of all targets, 10 s.
DRAIN_S = 3
BACKLOG = 2048
# An idle connection is kept for longer than any front keeps it, 4000 s at most: closing it first loses requests.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
KEEP_ALIVE_S = 4060


def bind_tcp(host: str, port: int) -> socket.socket:
    """A bound TCP socket; ConfigurationError where the address is unavailable."""
    # With IPPROTO_TCP, asyncio turns off Nagle's algorithm, which would delay responses by 40 ms.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigurationError(f"{host}:{port}: {error.strerror}; choose another port") from None
    return listening


def bind_unix(path: Path) -> socket.socket:
    """A bound Unix socket; the permissions of its folder decide who can connect."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    return listening


@contextlib.asynccontextmanager
async def serve_app(
    app: ASGIApp, listening: socket.socket, *, closing: asyncio.Event, head_s: float = HEAD_S
) -> AsyncIterator[int]:
    """Serves the application and yields the port. At the end it sets `closing`, which ends streams."""
    config = uvicorn.Config(
        limit_heads(app),
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        http=bounded_protocol(connection_limit(), head_s),
        backlog=accept_limit(),
        ws="none",
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        timeout_graceful_shutdown=DRAIN_S,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    starting = asyncio.create_task(server.ready.wait())
    try:
        await asyncio.wait([serving, starting], return_when=asyncio.FIRST_COMPLETED)
        # asyncio knows one number for the queue and for how many it accepts at one time; the queue may be longer.
        listening.listen(BACKLOG)
        yield listening.getsockname()[1]
    finally:
        closing.set()
        server.should_exit = True
        starting.cancel()
        await serving


class _Server(uvicorn.Server):
    """uvicorn's server without signal handlers, with an event for when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
