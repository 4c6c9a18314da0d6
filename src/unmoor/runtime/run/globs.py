"""Globs over the workspace: `*` and `?` within a part, `**` over any number of parts, `[...]` a set."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache


def matches(path: str, globs: Iterable[str]) -> bool:
    """Whether any of the globs names this path; `out/**` names everything below `out`."""
    return any(_pattern(glob).fullmatch(path) for glob in globs)


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    parts = [p for p in glob.removeprefix("./").split("/") if p]
    text = ""
    for position, part in enumerate(parts):
        last = position == len(parts) - 1
        if part == "**":
            text += r".+" if last else r"(?:[^/]+/)*"
        else:
            text += _part(part) + ("" if last else "/")
    return re.compile(text, re.DOTALL)


def _part(part: str) -> str:
    text, position = "", 0
    while position < len(part):
        char = part[position]
        closing = part.find("]", position + 2) if char == "[" else -1
        if closing > 0:
            inside = part[position + 1 : closing].replace("\\", "\\\\")
            text += f"[{'^' + inside[1:] if inside[0] == '!' else inside}]"
            position = closing
        else:
            text += {"*": "[^/]*", "?": "[^/]"}.get(char, re.escape(char))
        position += 1
    return text
