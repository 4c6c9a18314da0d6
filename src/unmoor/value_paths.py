"""Paths into nested values, such as `template.containers[0].image`: parse them, and set a value in a copy."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from .quantities import quote_truncated

# An index, a key quoted as Python prints it, a key in double quotes, and a plain key, in brackets or not.
STEP = re.compile(r"""\[(\d+)\]|\[('(?:[^'\\]|\\.)*')\]|\["([^"]+)"\]|\[?([^.\[\]]+)\]?""")
# An index has at most three digits, because a list grows to the length that its index needs.
NAME, INDEX = r"[^.\[\]\"]+", r"\[(?:\d{1,3}|\"[^\"]+\")\]"
PATH = re.compile(rf"{NAME}(?:{INDEX})*(?:\.{NAME}(?:{INDEX})*)*")


def parse_path(path: str) -> tuple[str | int, ...]:
    """The steps of a path that a user wrote; ValueError if it is not a valid path."""
    if not PATH.fullmatch(path):
        rule = f"{quote_truncated(path)} is not a valid input path"
        raise ValueError(f"{rule}; write names, dots and [n], such as template.containers[0].image")
    return path_steps(path)


def path_steps(path: str) -> tuple[str | int, ...]:
    """The steps of a path that unmoor printed: `triggers[0].webhook`, `secrets['a b']` or `triggers[NAME].prompt`."""
    found = STEP.finditer(path)
    return tuple(int(m[1]) if m[1] else str(literal_eval(m[2])) if m[2] else m[3] or m[4] for m in found)


def to_wire(value: Any) -> Any:
    """The value as the SDKs accept it: a Decimal as a float."""
    if isinstance(value, Mapping):
        return {key: to_wire(member) for key, member in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list):
        return [to_wire(item) for item in cast("list[Any]", value)]
    return float(value) if isinstance(value, Decimal) else value


def set_at_path(inputs: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of the inputs with the value at that path; missing objects on the path are created."""
    return _with(inputs, parse_path(path), value)


def _with(node: Any, steps: tuple[str | int, ...], value: Any) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        items = list(node) if isinstance(node, list | tuple) else []
        items += [None] * (step + 1 - len(items))
        items[step] = _with(items[step], rest, value)
        return items
    members = dict(node) if isinstance(node, Mapping) else {}
    members[step] = _with(members.get(step), rest, value)
    return members
