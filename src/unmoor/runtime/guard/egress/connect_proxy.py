"""The way out: TLS to the hosts that the spec allows, at public addresses, and nowhere else."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

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

Resolve = Callable[[str], Awaitable[Sequence[str]]]
Dial = Callable[[str, int], Awaitable[Stream]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectLimits:
    """How long each step may take, and how many of a host's addresses are tried."""

    resolve_s: float = 10
    dial_s: float = 10
    addresses: int = 4
    hello_s: float = 10
    idle_s: float = 900


class EgressDenied(Exception):
    """The way out is refused; the text says why."""


class HostUnreachable(Exception):
    """The host is allowed and could not be reached."""


class ConnectProxy:
    """Answers CONNECT. A name is resolved here, once, and what is connected to is the address that was judged."""

    def __init__(
        self,
        *,
        egress: Sequence[str],
        egress_any: bool,
        resolve: Resolve,
        dial: Dial,
        limits: ConnectLimits | None = None,
        log: Log = null_log,
    ) -> None:
        self._egress = tuple(egress)
        self._any = egress_any
        self._resolve = resolve
        self._dial = dial
        self._limits = limits or ConnectLimits()
        self._log = log

    async def answer(self, exchange: Exchange) -> None:
        """Opens the tunnel and serves it to its end, or refuses it."""
        target = exchange.request.target
        try:
            host = self.is_allowed(target)
            far = await self._reach(host)
        except EgressDenied as denied:
            return await exchange.refuse(403, sanitize_destination(target), str(denied))
        except HostUnreachable as error:
            return await exchange.respond(502, f"{sanitize_destination(target)}: {error}")
        try:
            await self._tunnel(exchange, host, far)
        finally:
            far.abort()
            await far.close()

    def is_allowed(self, target: str) -> str:
        """The host of `host:443` that the spec allows; Denied otherwise."""
        match = TARGET.fullmatch(target)
        if match is None:
            raise EgressDenied("this is no host and port")
        if int(match["port"]) != PORT:
            raise EgressDenied("only port 443 leaves")
        host = host_name(match["host"])
        if host is None:
            raise EgressDenied("this is no public host's name; an address is none")
        if not self._any and not matches_any(self._egress, host):
            raise EgressDenied("it is not in network.egress")
        return host

    async def _reach(self, host: str) -> Stream:
        addresses = await self._addresses(host)
        why = ""
        for address in addresses[: self._limits.addresses]:
            try:
                async with asyncio.timeout(self._limits.dial_s):
                    return await self._dial(address, PORT)
            except TimeoutError:
                why = "it does not answer"
            except OSError as error:
                why = f"it cannot be reached: {error.strerror or type(error).__name__}"
        raise HostUnreachable(why)

    async def _addresses(self, host: str) -> list[str]:
        """The host's addresses, IPv4 first; Denied if even one of them is not public."""
        try:
            async with asyncio.timeout(self._limits.resolve_s):
                found = list(await self._resolve(host))
        except (TimeoutError, OSError):
            found = []
        if not found:
            raise HostUnreachable("its name cannot be resolved")
        for address in found:
            if not is_public(address):
                raise EgressDenied(f"it leads to {address}, which is no public address")
        return sorted(found, key=lambda address: ":" in address)

    async def _tunnel(self, exchange: Exchange, host: str, far: Stream) -> None:
        first = await exchange.conversation.accept_connect()
        try:
            first = await self._hello(exchange.stream, first, host)
        except EgressDenied as denied:
            exchange.emit(NetworkDenied(destination=f"{host}:{PORT}", reason=str(denied)))
            return exchange.stream.abort()
        traffic = RelayStats()
        await far.write(first)
        traffic.count_bytes(len(first), up=True)
        how = await relay(exchange.stream, far, idle_s=self._limits.idle_s, traffic=traffic)
        self._log("tunnel", run=exchange.grant.run, host=host, how=how, sent=traffic.sent, received=traffic.received)

    async def _hello(self, stream: Stream, first: bytes, host: str) -> bytes:
        """What the client says first, which must be the beginning of TLS with this host."""
        try:
            async with asyncio.timeout(self._limits.hello_s):
                while (name := server_name(first)) is None:
                    if not (data := await stream.read()):
                        raise EgressDenied("it ended before TLS began")
                    first += data
        except TimeoutError:
            raise EgressDenied("TLS did not begin in time") from None
        except NotClientHello as error:
            raise EgressDenied(f"only TLS is allowed, and this is not a ClientHello: {error}") from None
        if name and host_name(name) != host:
            raise EgressDenied(f"inside, TLS asks for another host: {sanitize_destination(name)}")
        return first
