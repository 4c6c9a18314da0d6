"""MCP servers with their secrets put in: what a run holds, it holds in its harness's own configuration."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

from .config import McpServer

REFERENCE = re.compile(r"\$\{secret:([a-z][a-z0-9-]*)\}")


def resolve_secret_references(servers: tuple[McpServer, ...], value: Callable[[str], str]) -> tuple[McpServer, ...]:
    """The servers with `${secret:NAME}` replaced; `value` raises for a name that this container was not given."""
    return tuple(dataclasses.replace(s, headers=_filled(s.headers, value), env=_filled(s.env, value)) for s in servers)


def _filled(pairs: tuple[tuple[str, str], ...], value: Callable[[str], str]) -> tuple[tuple[str, str], ...]:
    return tuple((key, REFERENCE.sub(lambda match: value(match[1]), text)) for key, text in pairs)
