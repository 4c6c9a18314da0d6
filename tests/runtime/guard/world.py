"""A world for the way out without DNS or internet: names and addresses that lead to servers on loopback."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from routes import route_to

from unmoor.runtime.events import GuardEvent
from unmoor.runtime.guard.egress.connect_proxy import ConnectLimits, ConnectProxy
from unmoor.runtime.guard.handler import GuardHandler
from unmoor.runtime.guard.transport.exchange import ModelPart
from unmoor.runtime.guard.transport.http1 import HttpLimits
from unmoor.runtime.guard.transport.sockets import SocketStream
from unmoor.runtime.guard.transport.types import RunCredentials, Stream
from unmoor.runtime.run.guard_port import GuardPort

GRANT = RunCredentials(run="r1", token="tok-of-r1")
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class World:
    """Names resolve to what `names` says, and every address leads to the one port `port`, or is refused by `faults`."""

    def __init__(self, *, names: dict[str, list[str]] | None = None, port: int = 0) -> None:
        self.names = names or {}
        self.port = port
        self.dialled: list[tuple[str, int]] = []
        self.resolved: list[str] = []
        self.faults: dict[str, OSError] = {}
        self.silent = False

    async def resolve(self, host: str) -> Sequence[str]:
        self.resolved.append(host)
        if self.silent:
            await asyncio.Event().wait()
        if host not in self.names:
            raise OSError("no such name")
        return self.names[host]

    async def dial(self, address: str, port: int) -> Stream:
        self.dialled.append((address, port))
        if fault := self.faults.get(address):
            raise fault
        return SocketStream(*await asyncio.open_connection("127.0.0.1", self.port))

    def close(self) -> None:
        pass


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[int]:
    """A server on loopback; its port."""
    running = await asyncio.start_server(handler, "127.0.0.1", 0)
    try:
        yield running.sockets[0].getsockname()[1]
    finally:
        running.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends everything back, to the end."""
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def guarded(
    world: World,
    told: list[GuardEvent],
    *,
    egress: Sequence[str] = (),
    egress_any: bool = False,
    limits: ConnectLimits | None = None,
    http: HttpLimits | None = None,
    model: ModelPart | None = None,
) -> AsyncIterator[GuardPort]:
    """A run's local port with the door behind it."""
    proxy = ConnectProxy(allowed=egress, allow_any=egress_any, network=world, limits=limits or ConnectLimits())
    guard = GuardHandler(model=model, egress=proxy, limits=http or HttpLimits())
    async with route_to(guard) as handler, GuardPort(handler, GRANT, told.append) as port:
        yield port


def client_hello(host: str | None) -> bytes:
    """What a TLS client says first."""
    context = ssl.create_default_context()
    context.check_hostname = False
    said = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), said, server_hostname=host)
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return said.read()
