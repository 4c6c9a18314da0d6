"""Shared links: many connections of a run over one request, which is open no longer than they are."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientSession, WSMsgType
from clients import connected
from test_link import GRANT, Does, echo, everything, run

from unmoor.runtime.events import GuardEvent, NetworkDenied, Notice
from unmoor.runtime.guard.transport.channels import WINDOW, SharedLink
from unmoor.runtime.guard.transport.frames import MAX_DATA, Frame, Kind, Link
from unmoor.runtime.guard.transport.link_client import SharedGuardLink, connect_guard, dial
from unmoor.runtime.guard.transport.server import GuardServer
from unmoor.runtime.guard.transport.shared_client import SharedDial, SharingTimes
from unmoor.runtime.guard.transport.types import Emit, Stream
from unmoor.runtime.run.guard_port import GuardPort, PortLimits

pytestmark = pytest.mark.slow


class Dials:
    """Counts the links that a run opens."""

    def __init__(self, number: int) -> None:
        self.url = f"http://127.0.0.1:{number}/links"
        self.count = 0

    async def __call__(self) -> Link:
        self.count += 1
        return await dial(self.url)


@asynccontextmanager
async def shared(
    way: Does, told: list[GuardEvent], times: SharingTimes | None = None
) -> AsyncIterator[tuple[GuardPort, GuardServer, Dials, SharedGuardLink]]:
    async with GuardServer(way, host="127.0.0.1", port=0, drain_s=0.2) as guard:
        dials = Dials(guard.number)
        link = SharedGuardLink(SharedDial(dials, times), patience_s=0.1)
        async with link.keep_alive(), GuardPort(link, GRANT, told.append, limits=PortLimits(ending_s=0.2)) as port:
            yield port, guard, dials, link


async def open_links(guard: GuardServer) -> int:
    """How many requests a platform would bill now."""
    return len(guard._http.connections)  # pyright: ignore[reportPrivateUsage]


async def until_closed(guard: GuardServer) -> None:
    while await open_links(guard):
        await asyncio.sleep(0)


def test_connections_at_the_same_time_share_one_link():
    async def main() -> tuple[int, list[bytes]]:
        async with (
            shared(Does(echo), []) as (port, _, dials, _),
            connected(port.number) as first,
            connected(port.number) as second,
        ):
            for client, data in ((first, b"1"), (second, b"2"), (first, b"3")):
                await client.write(data)
            echoed = [await first.read(), await second.read()]
            await first.write_eof()
            echoed.append(await everything(first))
            await second.write(b"4")
            return dials.count, [echoed[0] + echoed[2], echoed[1], await second.read()]

    assert run(main()) == (1, [b"13", b"2", b"4"])


def test_megabytes_pass_both_ways_on_each_of_several_connections():
    data = bytes(range(256)) * (3 * WINDOW // 256)

    async def copy(port: GuardPort) -> bool:
        async with connected(port.number) as client:
            sending = asyncio.create_task(_send(client, data))
            received = await everything(client)
            await sending
            return received == data

    async def main() -> list[bool]:
        async with shared(Does(echo), []) as (port, _, _, _):
            return list(await asyncio.gather(*(copy(port) for _ in range(8))))

    assert run(main()) == [True] * 8


async def _send(client: Stream, data: bytes) -> None:
    await client.write(data)
    await client.write_eof()


def test_a_client_that_does_not_read_stops_its_own_connection_and_no_other():
    sent = 0

    async def flood(stream: Stream, emit: Emit) -> None:
        nonlocal sent
        if await stream.read() == b"echo":
            return await stream.write(b"echo")
        while True:
            await stream.write(b"x" * MAX_DATA)
            sent += MAX_DATA

    async def main() -> tuple[bytes, int]:
        async with shared(Does(flood), []) as (port, _, _, _), connected(port.number) as stuck:
            await stuck.write(b"flood")
            before = -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.1)
            async with connected(port.number) as other:
                await other.write(b"echo")
                return await other.read(), sent

    echoed, ahead = run(main())
    assert echoed == b"echo"
    assert ahead < 32 * 1024 * 1024


def test_no_link_is_open_while_the_run_has_no_connection():
    async def main() -> list[int]:
        async with shared(Does(echo), [], SharingTimes(linger_s=0)) as (port, guard, dials, _):
            while not await open_links(guard):
                await asyncio.sleep(0)
            await until_closed(guard)
            counts = [await open_links(guard)]
            for _ in range(2):
                async with connected(port.number) as client:
                    await client.write(b"x")
                    await client.read()
                    counts.append(await open_links(guard))
                    await client.write_eof()
                    await everything(client)
                await until_closed(guard)
            return [*counts, dials.count]

    assert run(main()) == [0, 1, 1, 3]


def test_a_link_is_renewed_for_new_connections_and_old_ones_go_on():
    async def main() -> tuple[list[bytes], int]:
        async with (
            shared(Does(echo), [], SharingTimes(renew_s=0)) as (port, guard, _, _),
            connected(port.number) as old,
        ):
            await old.write(b"1")
            echoed = [await old.read()]
            async with connected(port.number) as new:
                await new.write(b"2")
                echoed.append(await new.read())
                await old.write(b"3")
                echoed.append(await old.read())
                return echoed, await open_links(guard)

    assert run(main()) == ([b"1", b"2", b"3"], 2)


def test_events_and_a_broken_connection_arrive_where_they_belong():
    told: list[GuardEvent] = []
    denied = NetworkDenied(destination="example.com:443", reason="it is not in network.egress")

    async def refuse(stream: Stream, emit: Emit) -> None:
        if await stream.read() == b"bad":
            emit(denied)
            return stream.abort()
        await stream.write(b"ok")
        await stream.close()

    async def main() -> bytes:
        async with (
            shared(Does(refuse), told) as (port, _, _, _),
            connected(port.number) as good,
            connected(port.number) as bad,
        ):
            await bad.write(b"bad")
            with pytest.raises(ConnectionResetError):
                await everything(bad)
            await good.write(b"good")
            return await everything(good)

    assert run(main()) == b"ok"
    assert told == [denied]


def test_a_link_that_breaks_breaks_its_connections_and_the_next_one_has_a_new_link():
    told: list[GuardEvent] = []

    async def main() -> bytes:
        async with shared(Does(echo), told) as (port, guard, _, _):
            async with connected(port.number) as client:
                await client.write(b"x")
                await client.read()
                for connection in guard._http.connections:  # pyright: ignore[reportPrivateUsage]
                    assert connection.transport
                    connection.transport.abort()
                with pytest.raises(ConnectionResetError):
                    await everything(client)
            async with connected(port.number) as client:
                await client.write(b"again")
                return await client.read()

    assert run(main()) == b"again"
    assert told == [Notice(level="warning", text="the link to the guard broke")]


def test_a_guard_that_is_not_there_is_said_for_each_connection():
    told: list[GuardEvent] = []

    async def main() -> None:
        spare = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
        dials = Dials(spare.sockets[0].getsockname()[1])
        spare.close()
        link = SharedGuardLink(SharedDial(dials), patience_s=0)
        async with link.keep_alive(), GuardPort(link, GRANT, told.append) as port, connected(port.number) as client:
            with pytest.raises(ConnectionResetError):
                await everything(client)

    run(main())
    assert told == [Notice(level="error", text="the guard cannot be reached: it cannot be connected to")]


OPENING = b'{"version": 2, "run": "r", "token": "t"}'


def numbered(kind: Kind, number: int, payload: bytes = b"") -> bytes:
    return bytes([kind]) + struct.pack("!I", number) + payload


@pytest.mark.parametrize(
    "messages",
    [
        [bytes([Kind.OPEN])],
        [numbered(Kind.OPEN, 1, OPENING), numbered(Kind.CREDIT, 1, b"x")],
        [numbered(Kind.OPEN, 1, OPENING), *[numbered(Kind.DATA, 1, b"x" * MAX_DATA)] * (2 + WINDOW // MAX_DATA)],
        ["text"],
    ],
)
def test_a_link_with_an_invalid_frame_is_closed(messages: list[bytes | str]):
    lines: list[str] = []

    async def wait(stream: Stream, emit: Emit) -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        async with (
            GuardServer(
                Does(wait), host="127.0.0.1", port=0, drain_s=0.1, log=lambda message, **_: lines.append(message)
            ) as guard,
            ClientSession() as session,
            session.ws_connect(f"http://127.0.0.1:{guard.number}/links") as socket,
        ):
            for message in messages:
                await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_str(message))
            while (await socket.receive()).type is WSMsgType.BINARY:
                pass

    run(main())
    assert "link broken" in lines


def test_more_channels_than_a_link_takes_are_closed():
    async def main() -> list[Frame | None]:
        async with GuardServer(Does(echo), host="127.0.0.1", port=0, drain_s=0.1, max_links=1) as guard:
            link = SharedLink(await dial(f"http://127.0.0.1:{guard.number}/links"))
            serving = asyncio.create_task(link.serve())
            channels = [link.open_channel(), link.open_channel()]
            for channel in channels:
                await channel.send(Frame(kind=Kind.OPEN, payload=OPENING))
            ended = await channels[1].receive()
            link.abort()
            await serving
            return [ended]

    assert run(main()) == [None]


def test_only_a_guard_behind_a_front_is_reached_by_a_shared_link():
    assert isinstance(connect_guard("https://guard.example"), SharedGuardLink)
    assert not isinstance(connect_guard("http://guard:8790"), SharedGuardLink)
