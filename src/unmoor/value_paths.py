"""Paths into a resource's inputs, such as `template.containers[0].image`: read them and change a copy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from .quantities import quote_truncated

STEP = re.compile(r"\[(\d+)\]|\[\"([^\"]+)\"\]|([^.\[\]]+)")

# Three digits are more than any list of inputs has; a list is made as long as its index says.
NAME, INDEX = r"[^.\[\]\"]+", r"\[(?:\d{1,3}|\"[^\"]+\")\]"
PATH = re.compile(rf"{NAME}(?:{INDEX})*(?:\.{NAME}(?:{INDEX})*)*")


def parse_path(path: str) -> tuple[str | int, ...]:
    """The path's steps; ValueError if it is none."""
    found = list(STEP.finditer(path))
    if not path or not PATH.fullmatch(path):
        raise ValueError(
            f"{quote_truncated(path)} is no input path; write names, dots and [n], such as template.containers[0].image"
        )
    return tuple(int(m[1]) if m[1] is not None else m[2] or m[3] for m in found)


def to_wire(value: Any) -> Any:
    """The value as the SDKs take it: they know no Decimal."""
    if isinstance(value, Mapping):
        return {key: to_wire(member) for key, member in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list):
        return [to_wire(item) for item in cast("list[Any]", value)]
    return float(value) if isinstance(value, Decimal) else value


def set_at_path(inputs: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of the inputs with the value at that path; missing objects on the way are made."""
    return _with(inputs, parse_path(path), value)


def _with(node: Any, way: tuple[str | int, ...], value: Any) -> Any:
    if not way:
        return value
    step, rest = way[0], way[1:]
    if isinstance(step, int):
        items = list(node) if isinstance(node, list | tuple) else []
        items += [None] * (step + 1 - len(items))
        items[step] = _with(items[step], rest, value)
        return items
    members = dict(node) if isinstance(node, Mapping) else {}
    members[step] = _with(members.get(step), rest, value)
    return members
