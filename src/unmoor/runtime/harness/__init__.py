"""The agent programs: one adapter each, behind one protocol."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .protocol import Adapter

_MODULES = {
    "claude-code": "claude_code",
    "codex": "codex",
    "opencode": "opencode",
    "pi": "pi",
    "gemini": "gemini",
    "goose": "goose",
    "command": "command",
}


def names() -> tuple[str, ...]:
    """The harnesses that this release can run; imports none of them."""
    return tuple(_MODULES)


def adapter(name: str) -> Adapter:
    """The adapter of that harness; imports no other."""
    if name not in _MODULES:
        from unmoor.runtime.errors import ConfigurationError

        raise ConfigurationError(f"harness.name: {name!r} is no harness of this release; write one of {_list()}")
    return import_module(f"{__name__}.{_MODULES[name]}").ADAPTER


def _list() -> str:
    return f"{', '.join(names()[:-1])} or {names()[-1]}"
