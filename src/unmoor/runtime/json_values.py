"""Reading JSON from other programs: a member that is missing or has another type is an empty value, never an error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]
MAX_COUNT = 10**9


def parse_json(content: str | bytes) -> Any:
    """The value, None if this is not JSON."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def decode_object(content: str | bytes) -> dict[str, Any] | None:
    """The object, None if this is anything else."""
    value = parse_json(content)
    return value if isinstance(value, dict) else None


def value_at(value: object, *path: str) -> Any:
    """The value at the path, or None."""
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def text(value: object, *path: str) -> str:
    """The text at the path, or empty. Lone surrogates, which no encoding can hold, become question marks."""
    found = value_at(value, *path)
    return found.encode("utf-8", "replace").decode("utf-8") if isinstance(found, str) else ""


def object_at(value: object, *path: str) -> Json:
    """The object at the path, or an empty one."""
    found = value_at(value, *path)
    return found if isinstance(found, Mapping) else {}


def items(value: object, *path: str) -> list[Json]:
    """The objects in the list at the path."""
    found = value_at(value, *path)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def count(value: object, *path: str) -> int:
    """The number at the path as a count; 0 if it is missing or no count."""
    found = value_at(value, *path)
    return int(found) if is_count(found) else 0


def is_count(value: object) -> bool:
    """Whether this is a whole number that a count can be; JSON does not tell 1.0 from 1."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return 0 <= value <= MAX_COUNT and value == int(value)


def as_text(value: object) -> str:
    """A value as JSON text, a text unchanged, None as empty."""
    if isinstance(value, str):
        return text(value)
    return "" if value is None else json.dumps(value, separators=(",", ":"))


def join_text(blocks: object) -> str:
    """A message's content as text: a text, or the text blocks of a list."""
    if isinstance(blocks, str):
        return text(blocks)
    return "\n".join(filter(None, (text(block, "text") for block in items(blocks))))
