"""Prints values as JSON, outlines and status lines."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import typer

from unmoor.cli.render.event_lines import printable_lines


def to_jsonable(value: Any) -> Any:
    """A value as JSON types; decimals become text, so that nothing is rounded."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_jsonable(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [to_jsonable(v) for v in value]
    if isinstance(value, dict):
        return {k: to_jsonable(v) for k, v in value.items()}
    return str(value) if isinstance(value, Decimal | date) else value


def print_status(line: str) -> None:
    """Prints a status line on standard error."""
    typer.echo(printable_lines(line), err=True)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Prints JSON; what a terminal would obey or hide is escaped."""
    typer.echo(_escape_hidden(json.dumps(to_jsonable(value), indent=indent, ensure_ascii=False)))


def _escape_hidden(text: str) -> str:
    """JSON text with such characters, which stand in its strings only, as escapes."""
    return "".join(sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in text)


def print_outline(value: Any, indent: str = "") -> Iterator[str]:
    """A nested value as indented lines; empty values are omitted."""
    items = to_jsonable(value)
    for key, item in items.items():
        if item in ([], {}, ""):
            continue
        if isinstance(item, dict):
            yield f"{indent}{key}"
            yield from print_outline(item, indent + "  ")
        elif isinstance(item, list) and any(isinstance(x, dict) for x in item):
            yield f"{indent}{key}"
            for member in item:
                yield from _member(member, indent + "  ")
        else:
            yield f"{indent}{key}: {_short(item)}"


def _member(member: dict[str, Any], indent: str) -> Iterator[str]:
    lines = list(print_outline(member, indent + "  "))
    yield f"{indent}- {lines[0].strip()}"
    yield from lines[1:]


def _short(item: Any) -> str:
    if item is None:
        return "-"
    if isinstance(item, list):
        return ", ".join(_short(x) for x in item)
    text = str(item).strip().splitlines()
    return text[0] if len(text) == 1 else f"{text[0]} … ({len(text)} lines)"
