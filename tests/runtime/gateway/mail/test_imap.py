"""The IMAP client against servers of other people's."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from gateways import until
from servers import PASSWORD, USER, RunningMailServer, dovecot, has_dovecot, pymap, trusting

from unmoor.runtime.gateway.triggers.email.imap import Imap, connect
from unmoor.runtime.gateway.triggers.email.server import MailServer, MailServerError

pytestmark = pytest.mark.process

MAIL = b"From: a@b.example\r\nMessage-ID: <%d@b.example>\r\nSubject: {7}\r\n\r\nliterals {3}\r\nand more"


@pytest.fixture(params=["dovecot", "pymap"])
def server(request: pytest.FixtureRequest) -> Iterator[RunningMailServer]:
    if request.param == "dovecot" and not has_dovecot():
        pytest.skip("dovecot is not installed: apt-get install dovecot-imapd")
    with {"dovecot": dovecot, "pymap": pymap}[request.param]() as made:
        yield made


def talk(server: RunningMailServer, act: Callable[[Imap], Any], *, password: str = PASSWORD) -> Any:
    async def go() -> Any:
        async with asyncio.timeout(60), connect(server.place, USER, password, trusting()) as imap:
            return await act(imap)

    return asyncio.run(go())


def test_a_mail_is_found_measured_and_read_byte_for_byte(server: RunningMailServer) -> None:
    async def act(imap: Imap) -> None:
        opened = await imap.open_inbox()
        server.deliver(MAIL % 1)
        assert opened.validity > 0
        await imap.wait(5, 0.1)
        [uid] = [uid for uid in await imap.search(f"UID {opened.next}:*") if uid >= opened.next]
        about = await imap.message_info(uid)
        assert about is not None
        assert about.size_bytes == len(MAIL % 1)
        assert abs(datetime.now(UTC) - about.received) < timedelta(minutes=1)
        assert await imap.fetch(uid, most=1000) == MAIL % 1
        assert await imap.fetch(uid + 50, most=1000) is None
        assert await imap.message_info(uid + 50) is None

    talk(server, act)


def test_reading_changes_no_flag(server: RunningMailServer) -> None:
    server.deliver(MAIL % 1)
    before = server.flags()

    async def act(imap: Imap) -> None:
        await imap.open_inbox()
        for uid in await imap.search("ALL"):
            await imap.fetch(uid, most=100_000)

    talk(server, act)
    assert server.flags().replace(rb" \Recent", b"").replace(rb"\Recent", b"") == before.replace(
        rb" \Recent", b""
    ).replace(rb"\Recent", b"")


async def idling(imap: Imap) -> asyncio.Task[None]:
    """A wait that has sent its command."""
    before = imap._number
    waiting = asyncio.create_task(imap.wait(600, 600))
    await until(lambda: imap._number > before)
    return waiting


def test_a_mail_that_comes_ends_the_wait_at_once(server: RunningMailServer) -> None:
    async def act(imap: Imap) -> None:
        await imap.open_inbox()
        assert "IDLE" in imap.capabilities
        waiting = await idling(imap)
        assert not waiting.done()
        await asyncio.to_thread(server.deliver, MAIL % 2)
        await asyncio.wait_for(waiting, 10)
        await imap.search("ALL")
        waiting = asyncio.create_task(imap.wait(600, 600))
        await asyncio.to_thread(server.deliver, MAIL % 3)
        await asyncio.wait_for(waiting, 10)

    talk(server, act)


@pytest.mark.parametrize("server", ["dovecot"], indirect=True)  # pymap announces nothing that came before IDLE
def test_a_mail_that_is_announced_while_another_is_fetched_ends_the_next_wait_at_once(
    server: RunningMailServer,
) -> None:
    """A server announces an email once, in its answer to whichever command comes next, and not again in IDLE."""

    async def act(imap: Imap) -> None:
        opened = await imap.open_inbox()
        await asyncio.to_thread(server.deliver, MAIL % 1)
        await asyncio.wait_for(imap.wait(600, 600), 10)
        assert len(await imap.search("ALL")) == 1
        await asyncio.to_thread(server.deliver, MAIL % 2)
        for _ in range(3):
            await imap.message_info(opened.next)
        await asyncio.wait_for(imap.wait(600, 600), 10)
        assert len(await imap.search("ALL")) == 2

    talk(server, act)


def test_an_email_that_takes_the_place_of_a_deleted_one_is_new() -> None:
    async def act() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(b"* 2 EXISTS\r\n* 1 EXPUNGE\r\n")
        imap = Imap(server=MailServer(host="h", port=1, starttls=False), reader=reader, writer=None)  # type: ignore[arg-type]
        await imap._line()
        await imap._line()
        imap._has_new = False
        reader.feed_data(b"* 2 exists\r\n")
        await imap._line()
        await imap.wait(600, 600)

    asyncio.run(asyncio.wait_for(act(), 5))


def test_a_wait_is_left_at_once_when_it_is_cancelled(server: RunningMailServer) -> None:
    async def act(imap: Imap) -> None:
        await imap.open_inbox()
        waiting = await idling(imap)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(waiting, 1)

    talk(server, act)


def test_a_wait_ends_by_itself_and_the_connection_is_good_for_more(server: RunningMailServer) -> None:
    async def act(imap: Imap) -> None:
        await imap.open_inbox()
        await imap.wait(0.2, 600)
        imap.capabilities = frozenset()
        await imap.wait(600, 0.1)
        await imap.search("ALL")

    talk(server, act)


def test_a_server_that_goes_away_while_it_is_waited_for_is_a_fault(server: RunningMailServer) -> None:
    async def act(imap: Imap) -> None:
        await imap.open_inbox()
        waiting = await idling(imap)
        await asyncio.to_thread(server.stop)
        await asyncio.wait_for(waiting, 40)  # Dovecot's last process ends some ten seconds after the first

    with pytest.raises(
        MailServerError, match=rf"^localhost:{server.place.port}: the (server closed the connection|connection)"
    ):
        talk(server, act)


def test_a_wrong_password_is_refused_and_said_nowhere(server: RunningMailServer) -> None:
    async def act(imap: Imap) -> None:
        raise AssertionError("it opened")

    with pytest.raises(MailServerError, match=r"login was refused: ") as fault:
        talk(server, act, password="another-word")
    assert "another-word" not in str(fault.value)


def test_a_password_of_any_letters_is_taken_as_it_is(server: RunningMailServer) -> None:
    async def act(imap: Imap) -> None:
        raise AssertionError("it opened")

    for password in ('with "quotes" and \\', "pässwörd"):
        with pytest.raises(MailServerError, match=r"login was refused: "):
            talk(server, act, password=password)


def test_a_server_that_nobody_trusts_is_given_no_password(server: RunningMailServer) -> None:
    async def go() -> None:
        async with connect(server.place, USER, PASSWORD, ssl.create_default_context()):
            raise AssertionError("it opened")

    with pytest.raises(MailServerError, match="its certificate is not trusted: "):
        asyncio.run(go())


def test_a_mail_longer_than_was_said_is_not_read_into_memory(server: RunningMailServer) -> None:
    async def act(imap: Imap) -> None:
        opened = await imap.open_inbox()
        await asyncio.to_thread(server.deliver, MAIL % 1 + b"x" * 5000)
        await imap.wait(1, 0.1)
        await imap.fetch(opened.next, most=1000)

    with pytest.raises(MailServerError, match=r"the server sent \d+ bytes, above the limit"):
        talk(server, act)


async def pretend(lines: list[bytes], act: Callable[[MailServer], Any]) -> None:
    """A server that says these lines, one for each that it is told, whatever that is."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for line in lines:
            writer.write(line)
            if not await reader.readline():
                break
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    made = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with made:
        await act(MailServer(host="127.0.0.1", port=made.sockets[0].getsockname()[1], starttls=True))


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([b"* BYE too busy\r\n"], "unexpected greeting: * BYE too busy"),
        ([b"HTTP/1.1 400 Bad Request\r\n"], "unexpected greeting: HTTP/1.1 400 Bad Request"),
        (
            [b"* OK hi\r\n", b"* CAPABILITY IMAP4rev1\r\nu1 OK\r\n", b"u2 BAD no TLS\r\n"],
            "STARTTLS was refused: BAD no TLS",
        ),
        ([b"* OK hi\r\n"], "the server closed the connection"),
        ([b"\xff" * 50 + b"\r\n"], "unexpected greeting: "),
    ],
)
def test_a_server_that_makes_no_sense_is_a_fault_of_one_line(lines: list[bytes], told: str) -> None:
    async def act(place: MailServer) -> None:
        with pytest.raises(MailServerError) as fault:
            async with connect(place, USER, PASSWORD, trusting()):
                raise AssertionError("it opened")
        assert str(fault.value).startswith(f"{place}: {told}")
        assert "\n" not in str(fault.value)

    asyncio.run(pretend(lines, act))


def test_a_port_without_tls_and_one_where_nobody_is_are_told_apart() -> None:
    async def act(place: MailServer) -> None:
        with pytest.raises(MailServerError, match="the server does not speak TLS on this port"):
            async with connect(MailServer(host="127.0.0.1", port=place.port), USER, PASSWORD, trusting()):
                raise AssertionError("it opened")

    asyncio.run(pretend([b"* OK hi\r\n"], act))

    async def nobody() -> None:
        async with connect(MailServer(host="127.0.0.1", port=1), USER, PASSWORD, trusting()):
            raise AssertionError("it opened")

    with pytest.raises(MailServerError, match=r"^127\.0\.0\.1:1: Connection refused$"):
        asyncio.run(nobody())
