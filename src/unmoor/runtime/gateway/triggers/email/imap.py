"""A read-only IMAP client with IDLE, which stops at once when it is cancelled.

https://www.rfc-editor.org/rfc/rfc3501 and https://www.rfc-editor.org/rfc/rfc2177 (IDLE)
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

from .server import MailServer, MailServerError, describe_connection_error

# Servers drop connections that are silent for half an hour; routers drop them sooner.
ANSWER_S, IDLE_S = 60.0, 9 * 60.0
MOST_LINE = 4 * 1024 * 1024
LITERAL = re.compile(rb"\{(\d+)\+?\}\r\n$")
COUNT = re.compile(rb"\* (\d+) (EXISTS|EXPUNGE)", re.IGNORECASE)
# https://www.rfc-editor.org/rfc/rfc3501#section-9: what a quoted string cannot hold
UNQUOTED = re.compile(r"[\r\n\0]|[^\x00-\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapLine:
    """A line from the server with its literals, for which the text has their lengths in braces."""

    text: bytes
    literals: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxStatus:
    """An opened inbox: UIDs are stable while `validity` is the same; `next` is the next email's UID."""

    validity: int
    next: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageInfo:
    """An email's size and when the server received it."""

    size_bytes: int
    received: datetime


@dataclass(slots=True, kw_only=True)
class Imap:
    """A connection to a server. Every method raises MailServerError where the server refuses or fails."""

    server: MailServer
    reader: asyncio.StreamReader = field(repr=False)
    writer: asyncio.StreamWriter = field(repr=False)
    capabilities: frozenset[str] = frozenset()
    most_literal: int = MOST_LINE
    _number: int = 0
    _emails: int = 0
    _has_new: bool = False

    async def log_in(self, user: str, password: str) -> None:
        if "AUTH=PLAIN" in self.capabilities:
            credentials = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
            if "SASL-IR" in self.capabilities:
                await self._command(f"AUTHENTICATE PLAIN {credentials}", "login")
            else:
                await self._command("AUTHENTICATE PLAIN", "login", answer=credentials)
        elif UNQUOTED.search(user + password):
            raise MailServerError(f"{self.server}: this user or password requires AUTH=PLAIN, which the server lacks")
        else:
            await self._command(f"LOGIN {_quote(user)} {_quote(password)}", "login")
        await self.request_capabilities()

    async def request_capabilities(self) -> None:
        """Asks for the capabilities, which may grow after the login."""
        for line in await self._command("CAPABILITY", "CAPABILITY"):
            if line.text.upper().startswith(b"* CAPABILITY "):
                self.capabilities = frozenset(line.text.decode("ascii", "replace").upper().split()[2:])

    async def open_inbox(self) -> MailboxStatus:
        """Opens the inbox read-only: not even flags change."""
        text = b" ".join(line.text for line in await self._command("EXAMINE INBOX", "opening the inbox"))
        self._has_new = False
        validity, following = (re.search(name + rb" (\d+)", text) for name in (rb"UIDVALIDITY", rb"UIDNEXT"))
        if validity is None or following is None:
            raise MailServerError(f"{self.server}: the server sent no UIDVALIDITY or UIDNEXT, which IMAP4rev1 requires")
        return MailboxStatus(validity=int(validity[1]), next=int(following[1]))

    async def search(self, criteria: str) -> list[int]:
        """The UIDs of the matching emails, lowest first."""
        found: set[int] = set()
        self._has_new = False
        for line in await self._command(f"UID SEARCH {criteria}", "search"):
            if line.text.upper().startswith(b"* SEARCH"):
                found |= {int(word) for word in line.text.split()[2:] if word.isdigit()}
        return sorted(found)

    async def message_info(self, uid: int) -> MessageInfo | None:
        """An email's size and time of receipt; None where it no longer exists."""
        for line in await self._command(f"UID FETCH {uid} (UID RFC822.SIZE INTERNALDATE)", "fetching an email's size"):
            size, its = re.search(rb"RFC822\.SIZE (\d+)", line.text), re.search(rb"UID (\d+)", line.text)
            received = re.search(rb'INTERNALDATE "([^"]+)"', line.text)
            if size and its and received and int(its[1]) == uid:
                return MessageInfo(size_bytes=int(size[1]), received=self._time(received[1].decode("ascii", "replace")))
        return None

    async def fetch(self, uid: int, *, most: int) -> bytes | None:
        """An email's bytes; None where it no longer exists."""
        self.most_literal = most
        for line in await self._command(f"UID FETCH {uid} (UID BODY.PEEK[])", "fetching an email"):
            its = re.search(rb"UID (\d+)", line.text)
            if its and int(its[1]) == uid and line.literals:
                return line.literals[0]
        return None

    async def wait(self, idle_s: float, poll_s: float) -> None:
        """Waits until email was announced since the last search, or at most `idle_s`; without IDLE, for `poll_s`.

        A server announces an email once, in its answer to any command, and does not repeat it in IDLE.
        """
        if self._has_new:
            return
        if "IDLE" not in self.capabilities:
            await asyncio.sleep(poll_s)
            await self._command("NOOP", "NOOP")
            return
        tag = await self._send("IDLE")
        async with self._in_time():
            await self._until_idle(tag)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(idle_s):
                while not self._has_new:
                    await self._line()
        async with self._in_time():
            self.writer.write(b"DONE\r\n")
            await self._until_tagged(tag, "IDLE")

    async def log_out(self) -> None:
        """Logs out, if the server still responds."""
        with contextlib.suppress(MailServerError, TimeoutError):
            async with asyncio.timeout(1):
                await self._command("LOGOUT", "LOGOUT")

    async def start_tls(self, context: ssl.SSLContext) -> None:
        await self._command("STARTTLS", "STARTTLS")
        async with self._in_time():
            await self.writer.start_tls(context, server_hostname=self.server.host)

    async def greeting(self) -> None:
        async with self._in_time():
            line = await self._line()
        if not line.text.startswith(b"* OK"):
            raise MailServerError(f"{self.server}: unexpected greeting: {_printable(line.text)}")
        await self.request_capabilities()

    def _time(self, text: str) -> datetime:
        try:
            return datetime.strptime(text.strip(), "%d-%b-%Y %H:%M:%S %z")
        except ValueError:
            raise MailServerError(f"{self.server}: the server sent an invalid date: {text[:60]!r}") from None

    async def _command(self, command: str, what: str, *, answer: str | None = None) -> list[ImapLine]:
        """Sends a command and returns the server's lines before its OK."""
        async with self._in_time():
            tag = await self._send(command)
            if answer is not None:
                while not (line := await self._line()).text.startswith(b"+"):
                    if line.text.startswith(tag):
                        raise MailServerError(f"{self.server}: {what} was refused: {_printable(line.text)}")
                self.writer.write(answer.encode() + b"\r\n")
            return await self._until_tagged(tag, what)

    async def _send(self, command: str) -> bytes:
        self._number += 1
        tag = b"u%d" % self._number
        self.writer.write(tag + b" " + command.encode() + b"\r\n")
        return tag + b" "

    async def _until_tagged(self, tag: bytes, what: str) -> list[ImapLine]:
        lines: list[ImapLine] = []
        while not (line := await self._line()).text.startswith(tag):
            lines.append(line)
        if not line.text[len(tag) :].upper().startswith(b"OK"):
            raise MailServerError(f"{self.server}: {what} was refused: {_printable(line.text[len(tag) :])}")
        return lines

    async def _until_idle(self, tag: bytes) -> None:
        """Waits until the server has accepted IDLE."""
        while not (line := await self._line()).text.startswith(b"+"):
            if line.text.startswith(tag):
                raise MailServerError(f"{self.server}: IDLE was refused: {_printable(line.text[len(tag) :])}")

    async def _line(self) -> ImapLine:
        text, literals = b"", list[bytes]()
        try:
            while True:
                text += await self.reader.readuntil(b"\r\n")
                literal = LITERAL.search(text)
                if literal is None:
                    self._count(text)
                    return ImapLine(text=text.rstrip(b"\r\n"), literals=tuple(literals))
                if int(literal[1]) > self.most_literal:
                    raise MailServerError(f"{self.server}: the server sent {int(literal[1])} bytes, above the limit")
                literals.append(await self.reader.readexactly(int(literal[1])))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise MailServerError(f"{self.server}: the server closed the connection") from error
        except OSError as error:
            raise MailServerError(f"{self.server}: the connection broke: {error.strerror or error}") from error

    def _count(self, line: bytes) -> None:
        if count := COUNT.match(line):
            emails = int(count[1]) if count[2].upper() == b"EXISTS" else self._emails - 1
            self._has_new = self._has_new or emails > self._emails
            self._emails = emails

    @contextlib.asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(ANSWER_S):
                yield
        except TimeoutError:
            raise MailServerError(f"{self.server}: the server did not respond within {ANSWER_S:.0f} s") from None
        except (OSError, ssl.SSLError) as error:
            raise MailServerError(f"{self.server}: {describe_connection_error(error)}") from error


@contextlib.asynccontextmanager
async def connect(place: MailServer, user: str, password: str, context: ssl.SSLContext) -> AsyncIterator[Imap]:
    """A connection that is logged in, and closed at the end."""
    tls = None if place.starttls else context
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection(place.host, place.port, ssl=tls, limit=MOST_LINE)
    except TimeoutError:
        raise MailServerError(f"{place}: no connection within {ANSWER_S:.0f} s") from None
    except OSError as error:
        raise MailServerError(f"{place}: {describe_connection_error(error)}") from error
    imap = Imap(server=place, reader=reader, writer=writer)
    try:
        await imap.greeting()
        if tls is None:
            await imap.start_tls(context)
            await imap.request_capabilities()
        await imap.log_in(user, password)
        yield imap
        await imap.log_out()
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _quote(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _printable(text: bytes) -> str:
    return " ".join(text.decode("utf-8", "replace").split())[:200]
