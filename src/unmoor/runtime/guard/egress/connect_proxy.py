"""The egress proxy: TLS connections to hosts that the spec allows, at public addresses."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from unmoor.runtime.events import NetworkDenied
from unmoor.runtime.guard.transport.exchange import Exchange, sanitize_destination
from unmoor.runtime.guard.transport.sockets import RelayStats, relay
from unmoor.runtime.guard.transport.types import Stream
from unmoor.runtime.host_names import host_name, matches_any
from unmoor.runtime.logs import Log, null_log

from .client_hello import NotClientHello, server_name
from .public_addresses import is_public

PORT = 443
TARGET = re.compile(r"(?P<host>\[[^\[\]]*\]|[^:@/\[\]]+):(?P<port>\d{1,5})")


class NetworkAccess(Protocol):
    """Name resolution and connections."""

    def resolve(self, host: str) -> Awaitable[Sequence[str]]: ...

    def dial(self, address: str, port: int) -> Awaitable[Stream]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectLimits:
    """The time limit of each step, and how many of a host's addresses are tried."""

    resolve_s: float = 10
    dial_s: float = 10
    addresses: int = 4
    hello_s: float = 10
    idle_s: float = 900


class EgressDenied(Exception):
    """The connection is not allowed; the text is the reason."""


class HostUnreachable(Exception):
    """The host is allowed but cannot be reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectProxy:
    """Handles CONNECT. It resolves a name once, and connects to the address that it has checked."""

    allowed: Sequence[str]
    allow_any: bool
    network: NetworkAccess
    limits: ConnectLimits = field(default_factory=ConnectLimits)
    log: Log = null_log

    async def handle(self, exchange: Exchange) -> None:
        """Opens a tunnel and serves it to its end, or refuses it."""
        target = exchange.request.target
        try:
            host = self.allowed_host(target)
            remote = await self._connect(host)
        except EgressDenied as denied:
            return await exchange.refuse(403, sanitize_destination(target), str(denied))
        except HostUnreachable as error:
            return await exchange.respond(502, f"{sanitize_destination(target)}: {error}")
        try:
            await self._tunnel(exchange, host, remote)
        finally:
            remote.abort()
            await remote.close()

    def allowed_host(self, target: str) -> str:
        """The host of `host:443`; EgressDenied if the spec does not allow it."""
        match = TARGET.fullmatch(target)
        if match is None:
            raise EgressDenied("not a host and port")
        if int(match["port"]) != PORT:
            raise EgressDenied("only port 443 is allowed")
        host = host_name(match["host"])
        if host is None:
            raise EgressDenied("not a public host name; addresses are not allowed")
        if not self.allow_any and not matches_any(self.allowed, host):
            raise EgressDenied("it is not in network.egress")
        return host

    async def _connect(self, host: str) -> Stream:
        reason = ""
        for address in (await self._addresses(host))[: self.limits.addresses]:
            try:
                async with asyncio.timeout(self.limits.dial_s):
                    return await self.network.dial(address, PORT)
            except TimeoutError:
                reason = "it does not respond"
            except OSError as error:
                reason = f"it cannot be reached: {error.strerror or type(error).__name__}"
        raise HostUnreachable(reason)

    async def _addresses(self, host: str) -> list[str]:
        """The host's addresses, IPv4 first; EgressDenied if any of them is not public."""
        try:
            async with asyncio.timeout(self.limits.resolve_s):
                addresses = list(await self.network.resolve(host))
        except (TimeoutError, OSError):
            addresses = []
        if not addresses:
            raise HostUnreachable("its name cannot be resolved")
        for address in addresses:
            if not is_public(address):
                raise EgressDenied(f"it resolves to {address}, which is not a public address")
        return sorted(addresses, key=lambda address: ":" in address)

    async def _tunnel(self, exchange: Exchange, host: str, remote: Stream) -> None:
        first = await exchange.http.accept_connect()
        try:
            first = await self._read_hello(exchange.stream, first, host)
        except EgressDenied as denied:
            exchange.emit(NetworkDenied(destination=f"{host}:{PORT}", reason=str(denied)))
            return exchange.stream.abort()
        stats = RelayStats()
        await remote.write(first)
        stats.count_bytes(len(first), up=True)
        end = await relay(exchange.stream, remote, idle_s=self.limits.idle_s, stats=stats)
        run = exchange.credentials.run
        self.log("tunnel closed", run=run, host=host, end=end, sent=stats.sent, received=stats.received)

    async def _read_hello(self, stream: Stream, data: bytes, host: str) -> bytes:
        """The client's first bytes, which must be a ClientHello for this host."""
        try:
            async with asyncio.timeout(self.limits.hello_s):
                while (name := server_name(data)) is None:
                    if not (more := await stream.read()):
                        raise EgressDenied("the connection ended before TLS began")
                    data += more
        except TimeoutError:
            raise EgressDenied("TLS did not begin in time") from None
        except NotClientHello as error:
            raise EgressDenied(f"only TLS is allowed, and this is not a ClientHello: {error}") from None
        if not name:
            raise EgressDenied("TLS names no host; send the server name (SNI)")
        if host_name(name) != host:
            raise EgressDenied(f"the TLS server name is another host: {sanitize_destination(name)}")
        return data
