"""Parses an email, however malformed it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

from .attachments import Attachment, attachments
from .html_text import text_of

# A longer text is cut, and says so.
MOST_TEXT = 200_000
# Errors of Python's parser and codecs on malformed email.
PARSE_ERRORS = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


class InvalidMail(Exception):
    """Bytes that cannot be parsed as an email."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One email with decoded header texts; `headers` are all raw headers in order, with names in lower case."""

    headers: tuple[tuple[str, str], ...] = field(repr=False)
    subject: str
    text: str = field(repr=False)
    date: datetime | None
    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    to: str
    attachments: tuple[Attachment, ...]

    def all(self, name: str) -> list[str]:
        """All headers of this name, topmost first."""
        return [text for header, text in self.headers if header == name]

    def first(self, name: str) -> str:
        """The topmost header of this name, or an empty text."""
        return next(iter(self.all(name)), "")

    @property
    def thread(self) -> str:
        """The id of the thread's first email."""
        return self.references[0] if self.references else self.in_reply_to or self.message_id


def parse_mail(content: bytes) -> Mail:
    """Parses an email; InvalidMail where the bytes are not one."""
    try:
        return _read(message_from_bytes(content, policy=policy.compat32))
    except PARSE_ERRORS as error:
        raise InvalidMail(f"it cannot be parsed as an email: {type(error).__name__}") from error


def _read(message: Message) -> Mail:
    headers = tuple((name.lower(), _unfold(text)) for name, text in message.items())
    mail = Mail(
        headers=headers,
        subject=_header(message, "subject"),
        text=_body(message),
        date=_date(message),
        message_id=next(_ids(message, "message-id"), ""),
        in_reply_to=next(_ids(message, "in-reply-to"), ""),
        references=tuple(_ids(message, "references")),
        to=_header(message, "to"),
        attachments=attachments(list(_leaves(message))),
    )
    if not any(name == "from" for name, _ in headers):
        raise InvalidMail("it has no From header")
    return mail


def _leaves(message: Message) -> Iterator[Message]:
    """The parts with content, in order; an attached email is one part."""
    if message.get_content_type() != "message/rfc822" and message.is_multipart():
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _leaves(part)
    else:
        yield message


def _body(message: Message) -> str:
    """The plain text parts, or the text of the HTML parts where there are none."""
    inline = [p for p in _leaves(message) if p.get_content_disposition() != "attachment" and p.get_filename() is None]
    plain = [_text(part) for part in inline if part.get_content_type() == "text/plain"]
    html = [text_of(_text(part)) for part in inline if part.get_content_type() == "text/html"]
    text = "\n".join(plain if any(t.strip() for t in plain) else html).replace("\r\n", "\n").strip()
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}… [{len(text) - MOST_TEXT} characters cut]"


def _text(part: Message) -> str:
    content: Any = part.get_payload(decode=True)
    charset = part.get_content_charset() or "utf-8"
    try:
        return content.decode(charset, "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")


def _header(message: Message, name: str) -> str:
    """A header's text on one line, with encoded words decoded."""
    text = str(message.get(name, ""))
    with contextlib.suppress(*PARSE_ERRORS):  # an invalid encoded word stays as it is
        text = str(make_header(decode_header(text)))
    return " ".join(text.encode("utf-8", "replace").decode().split())


def _ids(message: Message, name: str) -> Iterator[str]:
    """The message ids in a header, without their brackets."""
    for word in _unfold(message.get(name, "")).replace("<", " <").split():
        if (inner := word.strip("<>,")) and "@" in inner and len(inner) < 1000:
            yield inner


def _date(message: Message) -> datetime | None:
    try:
        date = parsedate_to_datetime(str(message.get("date", "")))
    except (*PARSE_ERRORS, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _unfold(text: Any) -> str:
    return " ".join(str(text).splitlines()).strip()
