"""The part of IMAP that reads an inbox and changes nothing in it, with IDLE, and ended at once when it is cancelled.

https://www.rfc-editor.org/rfc/rfc3501 and https://www.rfc-editor.org/rfc/rfc2177 (IDLE)
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

from .server import MailServer, MailServerError

# Servers end what is silent for half an hour; routers on the way sooner.
ANSWER_S, IDLE_S = 60.0, 9 * 60.0
MOST_LINE = 4 * 1024 * 1024
LITERAL = re.compile(rb"\{(\d+)\+?\}\r\n$")
EXISTS = re.compile(rb"\* \d+ (EXISTS|RECENT)")
# https://www.rfc-editor.org/rfc/rfc3501#section-9: what a quoted string cannot hold
UNQUOTED = re.compile(r"[\r\n\0]|[^\x00-\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapLine:
    """A line of the server's, and the literals in it, whose places in the text are their lengths in braces."""

    text: bytes
    literals: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxStatus:
    """An opened inbox: while `validity` stays the same a UID names the same mail; `next` will be the next mail's."""

    validity: int
    next: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageInfo:
    """What a server knows of a mail without showing it."""

    size_bytes: int
    received: datetime


@dataclass(slots=True, kw_only=True)
class Imap:
    """A connection to a server. Every method raises MailFault where the server refuses, is gone or makes no sense."""

    place: MailServer
    reader: asyncio.StreamReader = field(repr=False)
    writer: asyncio.StreamWriter = field(repr=False)
    capabilities: frozenset[str] = frozenset()
    most_literal: int = MOST_LINE
    _number: int = 0

    async def log_in(self, user: str, password: str) -> None:
        """Opens the account."""
        if "AUTH=PLAIN" in self.capabilities:
            shown = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
            if "SASL-IR" in self.capabilities:
                await self._said(f"AUTHENTICATE PLAIN {shown}", "the login")
            else:
                await self._said("AUTHENTICATE PLAIN", "the login", answer=shown)
        elif UNQUOTED.search(user + password):
            raise MailServerError(f"{self.place}: the server takes no AUTH=PLAIN, which this user or password needs")
        else:
            await self._said(f"LOGIN {_quoted(user)} {_quoted(password)}", "the login")
        await self.ask_capabilities()

    async def ask_capabilities(self) -> None:
        """Asks what the server can; it may say more after a login."""
        for line in await self._said("CAPABILITY", "CAPABILITY"):
            if line.text.upper().startswith(b"* CAPABILITY "):
                self.capabilities = frozenset(line.text.decode("ascii", "replace").upper().split()[2:])

    async def open_inbox(self) -> MailboxStatus:
        """Opens it to be read: not even a flag can be changed."""
        text = b" ".join(line.text for line in await self._said("EXAMINE INBOX", "the inbox"))
        validity, following = (re.search(name + rb" (\d+)", text) for name in (rb"UIDVALIDITY", rb"UIDNEXT"))
        if validity is None or following is None:
            raise MailServerError(f"{self.place}: the inbox has no UIDVALIDITY or UIDNEXT, which IMAP4rev1 asks for")
        return MailboxStatus(validity=int(validity[1]), next=int(following[1]))

    async def search(self, criteria: str) -> list[int]:
        """The UIDs of the mails that match, the lowest first."""
        found: set[int] = set()
        for line in await self._said(f"UID SEARCH {criteria}", "a search"):
            if line.text.upper().startswith(b"* SEARCH"):
                found |= {int(word) for word in line.text.split()[2:] if word.isdigit()}
        return sorted(found)

    async def about(self, uid: int) -> MessageInfo | None:
        """A mail's size, and when the server received it; None where it is not there any more."""
        for line in await self._said(f"UID FETCH {uid} (UID RFC822.SIZE INTERNALDATE)", "a mail's size"):
            size, its = re.search(rb"RFC822\.SIZE (\d+)", line.text), re.search(rb"UID (\d+)", line.text)
            received = re.search(rb'INTERNALDATE "([^"]+)"', line.text)
            if size and its and received and int(its[1]) == uid:
                return MessageInfo(size_bytes=int(size[1]), received=self._time(received[1].decode("ascii", "replace")))
        return None

    async def fetch(self, uid: int, *, most: int) -> bytes | None:
        """A mail's bytes; None where it is not there any more."""
        self.most_literal = most
        for line in await self._said(f"UID FETCH {uid} (UID BODY.PEEK[])", "a mail"):
            its = re.search(rb"UID (\d+)", line.text)
            if its and int(its[1]) == uid and line.literals:
                return line.literals[0]
        return None

    async def wait(self, idle_s: float, poll_s: float) -> None:
        """Returns when there may be something new: when the server says so, or after `idle_s`; after `poll_s` where it
        has no IDLE."""
        if "IDLE" not in self.capabilities:
            await asyncio.sleep(poll_s)
            await self._said("NOOP", "NOOP")
            return
        tag = await self._send("IDLE")
        async with self._in_time():
            news = await self._until_idle(tag)
        if not news:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(idle_s):
                    while not EXISTS.match((await self._line()).text):
                        pass
        async with self._in_time():
            self.writer.write(b"DONE\r\n")
            await self._until_tagged(tag, "IDLE")

    async def log_out(self) -> None:
        """Says goodbye to a server that still listens."""
        with contextlib.suppress(MailServerError, TimeoutError):
            async with asyncio.timeout(1):
                await self._said("LOGOUT", "LOGOUT")

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Goes on encrypted."""
        await self._said("STARTTLS", "STARTTLS")
        async with self._in_time():
            await self.writer.start_tls(context, server_hostname=self.place.host)

    async def greeting(self) -> None:
        """Reads the server's first line, and what it can."""
        async with self._in_time():
            line = await self._line()
        if not line.text.startswith(b"* OK"):
            raise MailServerError(f"{self.place}: the server does not greet: {_shown(line.text)}")
        await self.ask_capabilities()

    def _time(self, text: str) -> datetime:
        try:
            return datetime.strptime(text.strip(), "%d-%b-%Y %H:%M:%S %z")
        except ValueError:
            raise MailServerError(f"{self.place}: the server says that a mail came on {text[:60]!r}") from None

    async def _said(self, command: str, what: str, *, answer: str | None = None) -> list[ImapLine]:
        """The server's lines up to its OK."""
        async with self._in_time():
            tag = await self._send(command)
            if answer is not None:
                while not (line := await self._line()).text.startswith(b"+"):
                    if line.text.startswith(tag):
                        raise MailServerError(f"{self.place}: {what} was refused: {_shown(line.text)}")
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
            raise MailServerError(f"{self.place}: {what} was refused: {_shown(line.text[len(tag) :])}")
        return lines

    async def _until_idle(self, tag: bytes) -> bool:
        """Whether something new was said before the server waits."""
        news = False
        while not (line := await self._line()).text.startswith(b"+"):
            if line.text.startswith(tag):
                raise MailServerError(f"{self.place}: IDLE was refused: {_shown(line.text[len(tag) :])}")
            news = news or EXISTS.match(line.text) is not None
        return news

    async def _line(self) -> ImapLine:
        text, literals = b"", list[bytes]()
        try:
            while True:
                text += await self.reader.readuntil(b"\r\n")
                literal = LITERAL.search(text)
                if literal is None:
                    return ImapLine(text=text.rstrip(b"\r\n"), literals=tuple(literals))
                if int(literal[1]) > self.most_literal:
                    raise MailServerError(
                        f"{self.place}: the server sends {int(literal[1])} bytes where no mail is as long"
                    )
                literals.append(await self.reader.readexactly(int(literal[1])))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise MailServerError(f"{self.place}: the server ended the connection") from error
        except OSError as error:
            raise MailServerError(f"{self.place}: the connection broke: {error.strerror or error}") from error

    @contextlib.asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(ANSWER_S):
                yield
        except TimeoutError:
            raise MailServerError(f"{self.place}: the server gave no answer in {ANSWER_S:.0f} s") from None
        except (OSError, ssl.SSLError) as error:
            raise MailServerError(f"{self.place}: {_reason(error)}") from error


@contextlib.asynccontextmanager
async def connect(place: MailServer, user: str, password: str, context: ssl.SSLContext) -> AsyncIterator[Imap]:
    """A connection with the account opened; closed when it is left."""
    tls = None if place.starttls else context
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection(place.host, place.port, ssl=tls, limit=MOST_LINE)
    except TimeoutError:
        raise MailServerError(f"{place}: no connection in {ANSWER_S:.0f} s") from None
    except OSError as error:
        raise MailServerError(f"{place}: {_reason(error)}") from error
    imap = Imap(place=place, reader=reader, writer=writer)
    try:
        await imap.greeting()
        if tls is None:
            await imap.start_tls(context)
            await imap.ask_capabilities()
        await imap.log_in(user, password)
        yield imap
        await imap.log_out()
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _shown(text: bytes) -> str:
    return " ".join(text.decode("utf-8", "replace").split())[:200]


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return "it does not speak TLS there; is the port right?"
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)  # asyncio's own words are about addresses
    return error.strerror or str(error)
