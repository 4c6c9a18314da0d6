"""A mail as a value: what of it starts a run, read from its bytes however odd they are."""

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

# What a prompt can use of a mail; a longer text is cut, and says so.
MOST_TEXT = 200_000
# What the parser and the codecs of Python raise on mail that no program of good manners has written.
PARSE_ERRORS = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


class InvalidMail(Exception):
    """Bytes that cannot be read as a mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail. Header texts are decoded; `headers` are all of them in order, raw, as names in lower case and texts."""

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
        """Every header of that name, the topmost first."""
        return [text for header, text in self.headers if header == name]

    def first(self, name: str) -> str:
        """The topmost header of that name, or nothing."""
        return next(iter(self.all(name)), "")

    @property
    def thread(self) -> str:
        """The id of the mail that began the thread, the same for all mails of it."""
        return self.references[0] if self.references else self.in_reply_to or self.message_id


def parse_mail(content: bytes) -> Mail:
    """The mail of these bytes; Unreadable where they are none."""
    try:
        return _read(message_from_bytes(content, policy=policy.compat32))
    except PARSE_ERRORS as error:
        raise InvalidMail(f"it cannot be read as a mail: {type(error).__name__}") from error


def _read(message: Message) -> Mail:
    headers = tuple((name.lower(), _unfolded(text)) for name, text in message.items())
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
        raise InvalidMail("it has no From")
    return mail


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that hold something, in order; a mail within the mail is one of them."""
    if message.get_content_type() != "message/rfc822" and message.is_multipart():
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _leaves(part)
    else:
        yield message


def _body(message: Message) -> str:
    """What its writer wrote: the plain texts, or what is read in the HTML where there are none."""
    shown = [part for part in _leaves(message) if part.get_content_disposition() != "attachment" and not _named(part)]
    plain = [_text(part) for part in shown if part.get_content_type() == "text/plain"]
    html = [text_of(_text(part)) for part in shown if part.get_content_type() == "text/html"]
    text = "\n".join(plain if any(t.strip() for t in plain) else html).replace("\r\n", "\n").strip()
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}… [{len(text) - MOST_TEXT} characters cut]"


def _named(part: Message) -> bool:
    return part.get_filename() is not None


def _text(part: Message) -> str:
    content: Any = part.get_payload(decode=True)
    charset = part.get_content_charset() or "utf-8"
    try:
        return content.decode(charset, "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")


def _header(message: Message, name: str) -> str:
    """A header's text with its encoded words read, on one line."""
    text = str(message.get(name, ""))
    with contextlib.suppress(*PARSE_ERRORS):  # an encoded word that names no charset stands for itself
        text = str(make_header(decode_header(text)))
    return " ".join(text.encode("utf-8", "replace").decode().split())


def _ids(message: Message, name: str) -> Iterator[str]:
    """The message ids in a header, without their brackets."""
    for word in _unfolded(message.get(name, "")).replace("<", " <").split():
        if (inner := word.strip("<>,")) and "@" in inner and len(inner) < 1000:
            yield inner


def _date(message: Message) -> datetime | None:
    try:
        date = parsedate_to_datetime(str(message.get("date", "")))
    except (*PARSE_ERRORS, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _unfolded(text: Any) -> str:
    return " ".join(str(text).splitlines()).strip()
