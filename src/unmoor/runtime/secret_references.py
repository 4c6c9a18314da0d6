"""Secret references in MCP servers, `${secret:NAME}`, and their values."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from .config import McpServer

SECRET_REFERENCE = re.compile(r"\$\{secret:([a-z][a-z0-9-]*)\}")


def resolve_secret_references(servers: tuple[McpServer, ...], value: Callable[[str], str]) -> tuple[McpServer, ...]:
    """The servers with each `${secret:NAME}` replaced; `value` raises if this container does not hold that secret."""
    return tuple(replace(s, headers=_resolve(s.headers, value), env=_resolve(s.env, value)) for s in servers)


def _resolve(pairs: tuple[tuple[str, str], ...], value: Callable[[str], str]) -> tuple[tuple[str, str], ...]:
    return tuple((key, SECRET_REFERENCE.sub(lambda match: value(match[1]), text)) for key, text in pairs)
