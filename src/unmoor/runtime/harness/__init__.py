"""The harnesses: one adapter each, behind one protocol."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from unmoor.runtime.errors import ConfigurationError

if TYPE_CHECKING:
    from .protocol import Adapter

_NAMES = ("claude-code", "codex", "opencode", "pi", "gemini", "goose", "command")


def names() -> tuple[str, ...]:
    """The harnesses that this release can run; imports none of them."""
    return _NAMES


def adapter(name: str) -> Adapter:
    """The adapter of that harness; imports no other."""
    if name not in _NAMES:
        known = f"{', '.join(_NAMES[:-1])} or {_NAMES[-1]}"
        raise ConfigurationError(f"harness.name: {name!r} is not a harness of this release; write one of {known}")
    return import_module(f"{__name__}.{name.replace('-', '_')}").ADAPTER
