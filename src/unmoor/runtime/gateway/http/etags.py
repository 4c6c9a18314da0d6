"""Entity tags, by which a client that has an answer already is not sent it again."""

from __future__ import annotations

import hashlib

from starlette.requests import Request


def tag(content: bytes) -> str:
    """The tag of exactly this content."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def matches_if_none_match(request: Request, tag: str) -> bool:
    """Whether the client says that it has what this tag names (RFC 9110, section 13.1.2)."""
    shown = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    return tag in shown or shown == ["*"]
