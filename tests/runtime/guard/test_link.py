"""Links: frames, what becomes of a connection when either side goes away, and who may be held by whom."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TypeVar

import pytest
from aiohttp import ClientSession, WSMsgType, web
from clients import connected
from world import GRANT

from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.events import BudgetExceeded, GuardEvent, ModelUsage, NetworkDenied, Notice, Tokens
from unmoor.runtime.guard.transport.frames import (
    MAX_DATA,
    Frame,
    Kind,
    Link,
    ProtocolError,
    credentials_of,
    data_frames,
    open_frame,
)
from unmoor.runtime.guard.transport.identity import GoogleIdentity, caller_identity
from unmoor.runtime.guard.transport.link_client import GuardLink, connect_guard, dial
from unmoor.runtime.guard.transport.server import GuardServer
from unmoor.runtime.guard.transport.sockets import SocketStream
from unmoor.runtime.guard.transport.types import Emit, RunCredentials, Stream
from unmoor.runtime.run.guard_port import GuardPort, PortLimits

pytestmark = pytest.mark.slow

T = TypeVar("T")
USED = ModelUsage(model="m", tokens=Tokens(input=3, output=4), cost_usd=Decimal("0.0000123"), estimated=True)
OVER = BudgetExceeded(cap="run.max_cost_usd", limit_usd=Decimal("1.50"), spent_usd=Decimal("1.6"))


class Does:
    """A way that does this with each connection."""

    def __init__(self, what: Callable[[Stream, Emit], Awaitable[None]]) -> None:
        self.what = what
        self.grants: list[RunCredentials] = []
        self.settled = 0

    async def serve(self, stream: Stream, grant: RunCredentials, emit: Emit) -> None:
        self.grants.append(grant)
        await self.what(stream, emit)

    async def settle(self) -> None:
        self.settled += 1


async def echo(stream: Stream, emit: Emit) -> None:
    while data := await stream.read():
        await stream.write(data)
    await stream.close()


@asynccontextmanager
async def linked(way: Does, told: list[GuardEvent], **server: object) -> AsyncIterator[tuple[GuardPort, GuardServer]]:
    """A run's port with a link behind it, and the guard at its other end."""
    options: dict[str, object] = {"drain_s": 0.2, **server}
    async with (
        GuardServer(way, host="127.0.0.1", port=0, **options) as guard,  # type: ignore[arg-type]
        GuardPort(
            connect_guard(f"http://127.0.0.1:{guard.number}"), GRANT, told.append, limits=PortLimits(ending_s=0.2)
        ) as port,
    ):
        yield port, guard


def run(main: Awaitable[T]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(10):
            return await main

    return asyncio.run(bounded())


async def everything(client: SocketStream) -> bytes:
    data = b""
    while more := await client.read():
        data += more
    return data


# Frames


def test_data_is_split_into_frames_of_a_bounded_size():
    sizes = [len(frame.payload) for frame in data_frames(b"x" * (2 * MAX_DATA + 1))]
    assert sizes == [MAX_DATA, MAX_DATA, 1]


def test_an_open_frame_carries_run_and_token():
    assert credentials_of(open_frame(GRANT)) == GRANT


@pytest.mark.parametrize(
    "frame",
    [
        Frame(kind=Kind.DATA, payload=b"{}"),
        Frame(kind=Kind.OPEN, payload=b'{"version": 1, "run": "r", "token": "t"}'),
        Frame(kind=Kind.OPEN, payload=b'{"version": 2, "run": "", "token": "t"}'),
        Frame(kind=Kind.OPEN, payload=b'{"version": 2, "run": "r"}'),
        Frame(kind=Kind.OPEN, payload=b'{"version": 2, "run": 7, "token": "t"}'),
        Frame(kind=Kind.OPEN, payload=json.dumps({"version": 2, "run": "r" * 300, "token": "t"}).encode()),
    ],
)
def test_any_other_opening_is_not_understood(frame: Frame):
    with pytest.raises(ProtocolError, match=r"^the link does not begin with an OPEN frame of this release$"):
        credentials_of(frame)


def test_an_opening_that_is_no_json_is_not_understood():
    with pytest.raises(ProtocolError, match=r"^the payload is not a JSON object$"):
        credentials_of(Frame(kind=Kind.OPEN, payload=b"[1]"))


# A connection


def test_megabytes_pass_both_ways_and_the_ends_are_told_apart():
    told: list[GuardEvent] = []
    data = bytes(range(256)) * 10_000

    async def main() -> bytes:
        async with linked(Does(echo), told) as (port, _), connected(port.number) as client:
            sending = asyncio.create_task(client.write(data))
            sending.add_done_callback(lambda _: asyncio.ensure_future(client.write_eof()))
            return await everything(client)

    assert run(main()) == data
    assert told == []


def test_nothing_written_is_no_end():
    async def empty(stream: Stream, emit: Emit) -> None:
        await stream.read()
        await stream.write(b"")
        await stream.write(b"x")
        await stream.close()

    async def main() -> bytes:
        async with GuardServer(Does(empty), host="127.0.0.1", port=0) as guard:
            link = connect_guard(f"http://127.0.0.1:{guard.number}")
            async with GuardPort(link, GRANT, print) as port, connected(port.number) as client:
                await client.write(b"x")
                return await everything(client)

    assert run(main()) == b"x"


def test_the_guard_is_told_the_run_and_its_token():
    way = Does(echo)

    async def main() -> None:
        async with linked(way, []) as (port, _), connected(port.number) as client:
            await client.write(b"x")
            await client.write_eof()
            await everything(client)

    run(main())
    assert way.grants == [GRANT]


def test_events_arrive_as_they_were_sent():
    told: list[GuardEvent] = []
    events = [
        USED,
        OVER,
        NetworkDenied(destination="bücher.example:443", reason="no"),
        Notice(level="info", text="\u2028"),
    ]

    async def say(stream: Stream, emit: Emit) -> None:
        for event in events:
            emit(event)
        await stream.close()

    async def main() -> None:
        async with linked(Does(say), told) as (port, _), connected(port.number) as client:
            await everything(client)

    run(main())
    assert told == events


def test_events_arrive_at_once_and_not_with_the_next_bytes():
    told: list[GuardEvent] = []
    arrived = asyncio.Event()

    def tell(event: GuardEvent) -> None:
        told.append(event)
        arrived.set()

    async def say(stream: Stream, emit: Emit) -> None:
        emit(USED)
        await stream.read()

    async def main() -> None:
        async with GuardServer(Does(say), host="127.0.0.1", port=0, drain_s=0) as guard:
            link = connect_guard(f"http://127.0.0.1:{guard.number}")
            async with GuardPort(link, GRANT, tell) as port, connected(port.number):
                await arrived.wait()

    run(main())
    assert told == [USED]


def test_what_is_said_after_the_client_has_gone_still_arrives():
    told: list[GuardEvent] = []

    async def settle(stream: Stream, emit: Emit) -> None:
        try:
            while await stream.read():
                pass
        except ConnectionError:
            pass
        await asyncio.sleep(0.05)
        emit(USED)
        stream.abort()

    async def main() -> None:
        async with linked(Does(settle), told) as (port, _):
            async with connected(port.number) as client:
                await client.write(b"x")
                await asyncio.sleep(0.02)
            await until(lambda: told != [])

    run(main())
    assert told == [USED]


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.01)


def test_a_client_that_breaks_off_is_seen_at_the_other_end():
    ends: list[str] = []

    async def watch(stream: Stream, emit: Emit) -> None:
        try:
            while await stream.read():
                pass
            ends.append("ended")
        except ConnectionError:
            ends.append("broken")

    async def main() -> None:
        async with linked(Does(watch), []) as (port, _):
            async with connected(port.number) as client:
                await client.write(b"x")
                await asyncio.sleep(0.02)
            await until(lambda: ends != [])

    run(main())
    assert ends == ["broken"]


def test_a_break_at_the_guard_is_a_break_for_the_client():
    async def breaks(stream: Stream, emit: Emit) -> None:
        await stream.read()
        await stream.write(b"half")
        stream.abort()

    async def main() -> None:
        async with linked(Does(breaks), []) as (port, _), connected(port.number) as client:
            await client.write(b"x")
            await everything(client)

    with pytest.raises(ConnectionResetError):
        run(main())


def test_a_guard_that_is_told_to_stop_breaks_what_does_not_end_by_itself():
    started = asyncio.Event()

    async def forever(stream: Stream, emit: Emit) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            emit(USED)

    told: list[GuardEvent] = []

    async def main() -> None:
        async with linked(Does(forever), told, drain_s=0) as (port, guard), connected(port.number) as client:
            await client.write(b"x")
            await started.wait()
            await guard.__aexit__()
            await everything(client)

    with pytest.raises(ConnectionResetError):
        run(main())
    assert told == [USED]


@asynccontextmanager
async def serve(respond: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> AsyncIterator[int]:
    """An HTTP server on loopback; its port."""
    server = web.Server(respond)
    listener = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        await server.shutdown(0.1)


@pytest.mark.parametrize("message", [None, b"\x02half", b"", b"\x99", b"\x02" + bytes(MAX_DATA + 1), "text"])
def test_a_guard_that_dies_or_sends_no_frames_breaks_the_connection_with_a_notice(message: bytes | str | None):
    events: list[GuardEvent] = []

    async def die(request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        if message is not None:
            await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_str(message))
        return socket

    async def main() -> None:
        async with serve(die) as number:
            link = connect_guard(f"http://127.0.0.1:{number}")
            async with GuardPort(link, GRANT, events.append) as port, connected(port.number) as client:
                await everything(client)

    with pytest.raises(ConnectionResetError):
        run(main())
    assert events == [Notice(level="warning", text="the link to the guard broke")]


def test_a_guard_that_still_starts_is_waited_for():
    async def main() -> bytes:
        spare = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
        number = spare.sockets[0].getsockname()[1]
        spare.close()
        link = connect_guard(f"http://127.0.0.1:{number}")
        async with GuardPort(link, GRANT, print) as port, connected(port.number) as client:
            await client.write(b"hello")
            await asyncio.sleep(0.1)
            async with GuardServer(Does(echo), host="127.0.0.1", port=number, drain_s=0):
                return await client.read()

    assert run(main()) == b"hello"


def test_a_guard_that_is_not_there_is_said():
    told: list[GuardEvent] = []

    async def refuse() -> Link:
        raise ConnectionRefusedError(111, "Connection refused")

    async def main() -> None:
        async with (
            GuardPort(GuardLink(refuse, patience_s=0.1), GRANT, told.append) as port,
            connected(port.number) as client,
        ):
            await everything(client)

    with pytest.raises(ConnectionResetError):
        run(main())
    assert told == [Notice(level="error", text="the guard cannot be reached: Connection refused")]


def test_a_client_that_does_not_read_stops_the_guard_from_sending():
    sent = 0

    async def pour(stream: Stream, emit: Emit) -> None:
        nonlocal sent
        while True:
            await stream.write(b"x" * MAX_DATA)
            sent += MAX_DATA

    async def main() -> int:
        async with linked(Does(pour), [], drain_s=0) as (port, _), connected(port.number) as client:
            await client.write(b"x")
            await client.read(1)
            before = -1
            while sent > before:
                before = sent
                await asyncio.sleep(0.2)
            return before

    assert run(main()) < 32 * 1024 * 1024


def test_a_guard_that_does_not_read_stops_the_client_from_sending():
    async def deaf(stream: Stream, emit: Emit) -> None:
        await asyncio.Event().wait()

    async def main() -> bool:
        async with linked(Does(deaf), [], drain_s=0) as (port, _), connected(port.number) as client:
            try:
                async with asyncio.timeout(0.5):
                    await client.write(b"x" * (64 * 1024 * 1024))
            except TimeoutError:
                return True
            return False

    assert run(main())


def test_only_the_last_link_waits_for_what_is_to_be_written_down():
    way = Does(echo)

    async def main() -> list[int]:
        counts = []
        async with linked(way, []) as (port, _), connected(port.number) as last:
            await last.write(b"x")
            await last.read()
            async with connected(port.number) as client:
                await client.write(b"x")
                await client.write_eof()
                await everything(client)
            await asyncio.sleep(0.02)
            counts.append(way.settled)
            await last.write_eof()
            await everything(last)
            await until(lambda: way.settled == 1)
        return counts

    assert run(main()) == [0]


# The guard's port


def test_the_guards_port_tells_whether_it_is_well_and_nothing_else():
    async def main() -> list[int]:
        async with GuardServer(Does(echo), host="127.0.0.1", port=0) as guard, ClientSession() as client:
            here = f"http://127.0.0.1:{guard.number}"
            return [
                (await client.request(*what)).status
                for what in (
                    ("GET", f"{here}/healthz"),
                    ("GET", f"{here}/"),
                    ("POST", f"{here}/healthz"),
                    ("GET", f"{here}/model/v1/models"),
                    ("GET", f"{here}/link"),
                )
            ]

    assert run(main()) == [200, 404, 404, 404, 400]


OPEN = open_frame(GRANT).payload


@pytest.mark.parametrize(
    "messages",
    [[b"\x01[]"], [b"\x02x"], [b"\x99"], [b"\x01" + OPEN, b"\x06"], [b"\x01" + OPEN, b""], [b"\x01" + OPEN, "text"]],
)
def test_a_guard_closes_a_link_with_an_invalid_frame(messages: list[bytes | str]):
    lines: list[str] = []

    def log(message: str, **fields: object) -> None:
        lines.append(message)

    async def main() -> None:
        guard = GuardServer(Does(echo), host="127.0.0.1", port=0, log=log)
        async with (
            guard,
            ClientSession() as session,
            session.ws_connect(f"http://127.0.0.1:{guard.number}/link") as socket,
        ):
            for message in messages:
                await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_str(message))
            while (await socket.receive()).type is WSMsgType.BINARY:
                pass

    run(main())
    assert lines == ["link broken"]


def test_more_links_than_a_guard_takes_are_broken():
    async def main() -> None:
        async with (
            linked(Does(echo), [], max_links=1) as (port, _),
            connected(port.number) as first,
            connected(port.number) as second,
        ):
            await first.write(b"x")
            assert await first.read() == b"x"
            await second.write(b"x")
            await everything(second)

    with pytest.raises(ConnectionResetError):
        run(main())


def test_a_guard_is_released_when_its_run_lets_go():
    released = asyncio.Event()

    async def main() -> bool:
        async with GuardServer(Does(echo), host="127.0.0.1", port=0, released=released.set) as guard:
            link = connect_guard(f"http://127.0.0.1:{guard.number}")
            async with link.keep_alive(), GuardPort(link, GRANT, print) as port, connected(port.number) as client:
                await client.write(b"x")
                await client.read()
                before = released.is_set()
            await released.wait()
            return before

    assert run(main()) is False


def test_a_run_that_ends_before_its_guard_is_up_still_lets_go():
    released = asyncio.Event()

    async def main() -> None:
        spare = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
        number = spare.sockets[0].getsockname()[1]
        spare.close()
        link = connect_guard(f"http://127.0.0.1:{number}")
        letting_go = asyncio.create_task(nothing(link))
        await asyncio.sleep(0.1)
        async with GuardServer(Does(echo), host="127.0.0.1", port=number, released=released.set):
            await letting_go
            await released.wait()

    run(main())


async def nothing(link: GuardLink) -> None:
    async with link.keep_alive():
        pass


# Addresses and proofs


@pytest.mark.parametrize("url", ["", "guard", "http://guard", "ftp://guard:1", "https://", "tcp://guard:8790"])
def test_what_is_no_address_of_a_guard_is_refused(url: str):
    with pytest.raises(ConfigurationError) as caught:
        connect_guard(url)
    assert str(caught.value) == (
        f"UNMOOR_GUARD_URL: {url!r} is not a guard's address; write http://HOST:PORT or https://HOST"
    )


def jwt(expires: float) -> str:
    payload = base64.urlsafe_b64encode(json.dumps({"exp": expires}).encode()).decode().rstrip("=")
    return f"head.{payload}.signature"


@asynccontextmanager
async def metadata(answers: list[web.Response], asked: list[web.BaseRequest]) -> AsyncIterator[str]:
    """The platform's address for tokens."""

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append(request)
        return answers.pop(0)

    async with serve(answer) as number:
        yield f"127.0.0.1:{number}"


def test_the_platform_is_asked_for_a_token_for_the_guards_address(monkeypatch: pytest.MonkeyPatch):
    asked: list[web.BaseRequest] = []

    async def main() -> list[str]:
        async with metadata([web.Response(text=jwt(9e9)), web.Response(status=404)], asked) as host:
            monkeypatch.setenv("GCE_METADATA_HOST", host)
            identity = GoogleIdentity("https://guard-abc.a.run.app")
            return [await identity.token(), await identity.token()]

    assert run(main()) == [jwt(9e9)] * 2
    assert len(asked) == 1
    assert asked[0].path == "/computeMetadata/v1/instance/service-accounts/default/identity"
    assert dict(asked[0].query) == {"audience": "https://guard-abc.a.run.app"}
    assert asked[0].headers["Metadata-Flavor"] == "Google"


def test_only_the_front_of_a_known_platform_gets_a_token():
    assert isinstance(caller_identity("guard-abc.a.run.app"), GoogleIdentity)
    assert caller_identity("guard.example.com") is None


def test_a_token_that_is_about_to_expire_is_not_shown_again(monkeypatch: pytest.MonkeyPatch):
    async def main() -> list[str]:
        async with metadata([web.Response(text=jwt(0)), web.Response(text=jwt(9e9))], []) as host:
            monkeypatch.setenv("GCE_METADATA_HOST", host)
            identity = GoogleIdentity("https://guard")
            return [await identity.token(), await identity.token()]

    assert run(main()) == [jwt(0), jwt(9e9)]


def test_without_a_token_the_guard_cannot_be_reached(monkeypatch: pytest.MonkeyPatch):
    async def main() -> None:
        async with metadata([web.Response(status=403)], []) as host:
            monkeypatch.setenv("GCE_METADATA_HOST", host)
            await dial("http://127.0.0.1:1/link", GoogleIdentity("https://guard"))

    with pytest.raises(
        ConnectionError, match=r"^the platform issues no identity token: the metadata server responds 403$"
    ):
        run(main())


def test_a_front_that_lets_nobody_in_is_said_with_its_answer():
    seen: list[str] = []

    async def refuse(request: web.BaseRequest) -> web.Response:
        seen.append(request.headers["X-Serverless-Authorization"])
        return web.Response(status=403)

    class Proof:
        async def headers(self) -> dict[str, str]:
            return {"X-Serverless-Authorization": "Bearer t0ken"}

    async def main() -> None:
        async with serve(refuse) as number:
            await dial(f"http://127.0.0.1:{number}/link", Proof())

    with pytest.raises(ConnectionError, match=r"^its front responds 403$"):
        run(main())
    assert seen == ["Bearer t0ken"]


@pytest.mark.parametrize("sent", [b"", b"GET /link HTTP/1.1\r\nHost: x\r\nX-Half: "])
def test_a_connection_that_sends_no_whole_head_is_closed(sent: bytes):
    async def main() -> bytes:
        async with GuardServer(Does(echo), host="127.0.0.1", port=0, head_s=0.05) as guard:
            reader, writer = await asyncio.open_connection("127.0.0.1", guard.number)
            writer.write(sent)
            try:
                return await reader.read()
            except ConnectionError:
                return b""
            finally:
                writer.close()

    assert asyncio.run(asyncio.wait_for(main(), 5)) == b""


def test_a_connection_to_a_guard_is_for_one_request():
    async def main() -> bytes:
        async with GuardServer(Does(echo), host="127.0.0.1", port=0, head_s=0.2) as guard:
            reader, writer = await asyncio.open_connection("127.0.0.1", guard.number)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            data = await reader.read()
            writer.close()
            return data

    assert asyncio.run(asyncio.wait_for(main(), 5)).startswith(b"HTTP/1.1 200 OK")
