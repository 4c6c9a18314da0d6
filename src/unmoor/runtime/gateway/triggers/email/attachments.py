"""An email's attachments, under names that are safe as workspace files."""

from __future__ import annotations

import mimetypes
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from email.message import Message
from typing import Any

LONGEST_NAME = 150
# Characters that Windows or Unix paths reserve, or a terminal hides.
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    name: str
    type: str
    content: bytes = field(repr=False)


def attachments(parts: Sequence[Message]) -> tuple[Attachment, ...]:
    """The parts that are not the email's own text, under names that differ even without case."""
    found: list[Attachment] = []
    taken: set[str] = set()
    for part in parts:
        if _is_attached(part):
            name = _unique(_safe(_filename(part), part.get_content_type(), len(found) + 1), taken)
            taken.add(name.casefold())
            found.append(Attachment(name=name, type=part.get_content_type(), content=_content(part)))
    return tuple(found)


def _is_attached(part: Message) -> bool:
    if part.get_content_disposition() == "attachment" or part.get_filename() is not None:
        return True
    return part.get_content_type() not in ("text/plain", "text/html")


def _content(part: Message) -> bytes:
    if part.get_content_type() == "message/rfc822":
        inner: Any = part.get_payload()
        return inner[0].as_bytes() if isinstance(inner, list) and inner else b""
    content: Any = part.get_payload(decode=True)
    return content or b""


def _filename(part: Message) -> str:
    name = str(part.get_filename() or "")
    try:
        return str(make_header(decode_header(name)))
    except (ValueError, LookupError):
        return name


def _safe(name: str, content_type: str, number: int) -> str:
    """The last path component, without characters that a path or a terminal interprets."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1].encode("utf-8", "replace").decode()
    clean = " ".join(FORBIDDEN.sub(" ", last).split()).strip(". ")
    if not clean:
        ending = ".eml" if content_type == "message/rfc822" else mimetypes.guess_extension(content_type) or ""
        return f"attachment-{number}{ending}"
    return _shorten(clean)


def _shorten(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending) > 12:
        stem, dot, ending = name, "", ""
    room = LONGEST_NAME - len((dot + ending).encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + dot + ending


def _unique(name: str, taken: set[str]) -> str:
    stem, dot, ending = name.rpartition(".")
    candidate, number = name, 2
    while candidate.casefold() in taken:
        candidate = f"{stem}-{number}{dot}{ending}" if dot else f"{name}-{number}"
        number += 1
    return candidate
