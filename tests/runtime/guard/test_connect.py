"""The way out: which hosts, which addresses, which first words; and what a run is told of what was refused."""

from __future__ import annotations

import asyncio
import base64

import pytest
from clients import connected
from world import GRANT, World, client_hello, echo, guarded, server

from unmoor.runtime.events import GuardEvent, NetworkDenied
from unmoor.runtime.guard.egress.connect_proxy import ConnectLimits
from unmoor.runtime.guard.transport.sockets import SocketStream

pytestmark = pytest.mark.usefixtures("route")

PUBLIC = "140.82.112.3"
BASIC = base64.b64encode(f"run:{GRANT.token}".encode()).decode()
HELLO = client_hello("github.com")


def connect(target: str, *, proof: str = BASIC, version: str = "1.1") -> bytes:
    """A CONNECT with the run's token."""
    return f"CONNECT {target} HTTP/{version}\r\nHost: x\r\nProxy-Authorization: Basic {proof}\r\n\r\n".encode()


def tunnelled(
    target: str,
    *,
    first: bytes = HELLO,
    world: World | None = None,
    egress: tuple[str, ...] = ("github.com", "*.example.com"),
    egress_any: bool = False,
    limits: ConnectLimits | None = None,
) -> tuple[bytes, bytes, list[GuardEvent], World]:
    """Asks for a tunnel to an echo; the answer's head, what came back through it, what the run was told."""
    told: list[GuardEvent] = []
    world = world or World(names={"github.com": [PUBLIC], "a.b.example.com": [PUBLIC], "other.org": [PUBLIC]})

    async def main() -> tuple[bytes, bytes]:
        async with (
            server(echo) as world.port,
            guarded(world, told, egress=egress, egress_any=egress_any, limits=limits) as port,
            connected(port.number) as client,
        ):
            await client.write(connect(target))
            head = await until(client, b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                return head + await until(client, b"\n"), b""
            await client.write(first)
            return head, await rest(client, len(first))

    return *asyncio.run(main()), told, world


async def until(client: SocketStream, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        if not (more := await client.read(1)):
            break
        data += more
    return data


async def rest(client: SocketStream, most: int = 1 << 20) -> bytes:
    data = b""
    try:
        while len(data) < most and (more := await asyncio.wait_for(client.read(), 1)):
            data += more
    except (ConnectionResetError, TimeoutError):
        pass
    return data


@pytest.mark.parametrize("target", ["github.com:443", "GitHub.com:443", "github.com.:443"])
def test_an_allowed_host_is_reached_and_its_bytes_pass(target: str):
    head, back, told, world = tunnelled(target)
    assert head == b"HTTP/1.1 200 Connection established\r\n\r\n"
    assert back == HELLO
    assert told == []
    assert (world.resolved, world.dialled) == (["github.com"], [(PUBLIC, 443)])


def test_a_wildcard_holds_at_any_depth():
    head, back, *_ = tunnelled("a.b.example.com:443", first=client_hello("a.b.example.com"))
    assert head.startswith(b"HTTP/1.1 200")
    assert back


def test_any_lets_every_public_host_through():
    head, *_ = tunnelled("other.org:443", egress=(), egress_any=True, first=client_hello("other.org"))
    assert head.startswith(b"HTTP/1.1 200")


def test_a_client_that_names_no_host_in_tls_is_disconnected():
    _, back, told, _ = tunnelled("github.com:443", first=client_hello(None))
    reason = "TLS names no host; send the server name (SNI)"
    assert (back, told) == (b"", [NetworkDenied(destination="github.com:443", reason=reason)])


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("other.org:443", "it is not in network.egress"),
        ("example.com:443", "it is not in network.egress"),
        ("github.com:80", "only port 443 is allowed"),
        ("github.com:22", "only port 443 is allowed"),
        ("github.com:8443", "only port 443 is allowed"),
        ("github.com:0", "only port 443 is allowed"),
        ("github.com", "not a host and port"),
        ("github.com:", "not a host and port"),
        ("github.com:https", "not a host and port"),
        (":443", "not a host and port"),
        ("https://github.com:443", "not a host and port"),
        ("::1:443", "not a host and port"),
        ("140.82.112.3:443", "not a public host name; addresses are not allowed"),
        ("127.0.0.1:443", "not a public host name; addresses are not allowed"),
        ("2130706433:443", "not a public host name; addresses are not allowed"),
        ("0x7f.1:443", "not a public host name; addresses are not allowed"),
        ("[::1]:443", "not a public host name; addresses are not allowed"),
        ("[::ffff:a9fe:a9fe]:443", "not a public host name; addresses are not allowed"),
        ("localhost:443", "not a public host name; addresses are not allowed"),
        ("metadata:443", "not a public host name; addresses are not allowed"),
        ("%67ithub.com:443", "not a public host name; addresses are not allowed"),
    ],
)
def test_everything_else_is_refused_in_one_line_and_told(target: str, reason: str):
    answer, _, told, world = tunnelled(target)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403")
    assert body.decode() == f"refused: {target}: {reason}\n"
    assert told == [NetworkDenied(destination=target, reason=reason)]
    assert (world.resolved, world.dialled) == ([], [])


def test_a_password_before_a_host_is_not_repeated():
    answer, _, told, _ = tunnelled("user:s3cret@github.com:443")
    assert answer.endswith(b"\r\n\r\nrefused: github.com:443: not a host and port\n")
    assert told == [NetworkDenied(destination="github.com:443", reason="not a host and port")]


def test_a_long_name_is_not_repeated_whole():
    _, _, told, _ = tunnelled("a" * 5000 + ".com:443")
    assert told == [NetworkDenied(destination="a" * 260, reason="not a public host name; addresses are not allowed")]


@pytest.mark.parametrize("address", ["169.254.169.254", "10.0.0.5", "127.0.0.1", "fd00:ec2::254", "::ffff:10.0.0.1"])
@pytest.mark.parametrize("others", [[], [PUBLIC]])
def test_a_name_that_leads_to_a_near_address_is_refused_even_if_others_are_public(address: str, others: list[str]):
    world = World(names={"github.com": [*others, address]})
    answer, _, told, _ = tunnelled("github.com:443", world=world)
    assert answer.startswith(b"HTTP/1.1 403")
    assert told == [
        NetworkDenied(destination="github.com:443", reason=f"it resolves to {address}, which is not a public address")
    ]
    assert world.dialled == []


def test_a_name_is_resolved_once_so_that_it_cannot_change_in_between():
    world = World(names={"github.com": [PUBLIC]})
    tunnelled("github.com:443", world=world)
    assert world.resolved == ["github.com"]
    assert world.dialled == [(PUBLIC, 443)]


def test_the_next_address_is_tried_and_ipv4_before_ipv6():
    world = World(names={"github.com": ["2606:4700::1", "1.1.1.1", PUBLIC]})
    world.faults["1.1.1.1"] = ConnectionRefusedError(111, "Connection refused")
    head, *_ = tunnelled("github.com:443", world=world)
    assert head.startswith(b"HTTP/1.1 200")
    assert [address for address, _ in world.dialled] == ["1.1.1.1", PUBLIC]


def test_a_host_that_cannot_be_reached_is_no_refusal():
    world = World(names={"github.com": [PUBLIC]})
    world.faults[PUBLIC] = ConnectionRefusedError(111, "Connection refused")
    answer, _, told, _ = tunnelled("github.com:443", world=world)
    assert answer.startswith(b"HTTP/1.1 502")
    assert answer.endswith(b"\r\n\r\ngithub.com:443: it cannot be reached: Connection refused\n")
    assert told == []


def test_a_name_that_is_not_there_or_not_answered_is_no_refusal():
    for world in (World(), silent := World()):
        silent.silent = world is silent
        answer, _, told, _ = tunnelled("github.com:443", world=world, limits=ConnectLimits(resolve_s=0.05))
        assert answer.endswith(b"\r\n\r\ngithub.com:443: its name cannot be resolved\n")
        assert told == []


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (client_hello("evil.com"), "the TLS server name is another host: evil.com"),
        (client_hello("api.github.com"), "the TLS server name is another host: api.github.com"),
        (b"GET / HTTP/1.1\r\n\r\n", "only TLS is allowed, and this is not a ClientHello: http request"),
        (b"SSH-2.0-x\r\n", "only TLS is allowed, and this is not a ClientHello: wrong version number"),
    ],
)
def test_what_is_said_first_inside_must_be_tls_with_that_host(first: bytes, reason: str):
    head, back, told, _ = tunnelled("github.com:443", first=first)
    assert head.startswith(b"HTTP/1.1 200")
    assert back == b""
    assert told == [NetworkDenied(destination="github.com:443", reason=reason)]


def test_a_tunnel_in_which_nothing_is_said_is_given_up():
    _, back, told, _ = tunnelled("github.com:443", first=HELLO[:20], limits=ConnectLimits(hello_s=0.05))
    assert back == b""
    assert told == [NetworkDenied(destination="github.com:443", reason="TLS did not begin in time")]


def test_a_tunnel_that_falls_silent_is_broken():
    told: list[GuardEvent] = []
    world = World(names={"github.com": [PUBLIC]})

    async def main() -> bytes:
        async with (
            server(echo) as world.port,
            guarded(world, told, egress=["github.com"], limits=ConnectLimits(idle_s=0.1)) as port,
            connected(port.number) as client,
        ):
            await client.write(connect("github.com:443") + HELLO)
            await until(client, b"\r\n\r\n")
            try:
                while await client.read():
                    pass
            except ConnectionResetError:
                return b"reset"
            return b"ended"

    assert asyncio.run(asyncio.wait_for(main(), 5)) == b"reset"


def test_a_client_that_says_it_has_no_more_still_gets_the_rest():
    told: list[GuardEvent] = []
    world = World(names={"github.com": [PUBLIC]})

    async def all_then_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = await reader.read()
        writer.write(b"%d bytes" % len(sent))
        writer.close()

    async def main() -> bytes:
        async with (
            server(all_then_answer) as world.port,
            guarded(world, told, egress=["github.com"]) as port,
            connected(port.number) as client,
        ):
            await client.write(connect("github.com:443") + HELLO + b"x" * 1000)
            await until(client, b"\r\n\r\n")
            await client.write_eof()
            return await rest(client)

    assert asyncio.run(main()) == b"%d bytes" % (len(HELLO) + 1000)


def test_megabytes_pass_both_ways_unchanged():
    told: list[GuardEvent] = []
    world = World(names={"github.com": [PUBLIC]})
    data = HELLO + bytes(range(256)) * 20000

    async def main() -> bytes:
        async with (
            server(echo) as world.port,
            guarded(world, told, egress=["github.com"]) as port,
            connected(port.number) as client,
        ):
            await client.write(connect("github.com:443"))
            await until(client, b"\r\n\r\n")
            sending = asyncio.create_task(client.write(data))
            back = await rest(client, len(data))
            await sending
            return back

    assert asyncio.run(main()) == data


def test_an_old_client_is_served_too():
    told: list[GuardEvent] = []
    world = World(names={"github.com": [PUBLIC]})

    async def main() -> bytes:
        async with (
            server(echo) as world.port,
            guarded(world, told, egress=["github.com"]) as port,
            connected(port.number) as client,
        ):
            await client.write(connect("github.com:443", version="1.0") + HELLO)
            await until(client, b"\r\n\r\n")
            return await rest(client, len(HELLO))

    assert asyncio.run(main()) == HELLO
