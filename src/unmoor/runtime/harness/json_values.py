"""Reading JSON that others wrote: a member that is missing or of another kind is an empty value, never a fault."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from unmoor.runtime.events import Tokens

Json = Mapping[str, Any]


def decode_object(line: str) -> Json | None:
    """The object that the line is, or None for a line that is anything else."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def value_at(value: object, *path: str) -> Any:
    """What lies at the path, or None."""
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def text(value: object, *path: str) -> str:
    """The text at the path, or empty. Halves of surrogate pairs, which no encoding can hold, become question marks."""
    found = value_at(value, *path)
    return found.encode("utf-8", "replace").decode("utf-8") if isinstance(found, str) else ""


def object_at(value: object, *path: str) -> Json:
    """The object at the path, or an empty one."""
    found = value_at(value, *path)
    return found if isinstance(found, Mapping) else {}


def items(value: object, *path: str) -> list[Json]:
    """The objects of the list at the path; whatever else is in it is left out."""
    found = value_at(value, *path)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def count(value: object, *path: str) -> int:
    """The number at the path as a count, or 0."""
    found = value_at(value, *path)
    return max(int(found), 0) if isinstance(found, int | float) and _is_finite(found) else 0


def as_text(value: object) -> str:
    """The value as JSON text; a text as it is; nothing as nothing."""
    if isinstance(value, str):
        return text({"": value}, "")
    return "" if value is None else json.dumps(value, separators=(",", ":"))


def join_text(blocks: object) -> str:
    """The text of a message's content: a text, or a list of blocks of which those of text count."""
    if isinstance(blocks, str):
        return as_text(blocks)
    return "\n".join(filter(None, (text(block, "text") for block in items({"": blocks}, ""))))


def tokens(value: object, **members: str) -> Tokens:
    """Tokens of which each part is the member of that name."""
    return Tokens(**{part: count(value, name) for part, name in members.items()})


def _is_finite(number: float) -> bool:
    return number == number and abs(number) != float("inf")
