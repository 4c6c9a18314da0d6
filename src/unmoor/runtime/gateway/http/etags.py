"""Entity tags: a client that has the content gets 304."""

from __future__ import annotations

import hashlib

from starlette.requests import Request


def tag(content: bytes) -> str:
    """The entity tag of the content."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def matches_if_none_match(request: Request, tag: str) -> bool:
    """Whether If-None-Match names this tag (RFC 9110, section 13.1.2)."""
    tags = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    return tag in tags or tags == ["*"]
