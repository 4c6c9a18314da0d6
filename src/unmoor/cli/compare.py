"""`unmoor compare`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from unmoor.cli.show import print_json
from unmoor.compare import Column, Row, compare, rows
from unmoor.errors import SpecError
from unmoor.load import load
from unmoor.registry import load as load_target
from unmoor.registry import names
from unmoor.settings import unknown_targets

if TYPE_CHECKING:
    from rich.text import Text


def run(file: Path, environment: str | None, targets: Sequence[str], *, form: str) -> None:
    """Prints the comparison of these targets, or of those that the spec has settings for."""
    loaded = load(file, environment)
    if unknown := unknown_targets(loaded):
        raise SpecError(unknown)
    for name in targets:
        load_target(name)
    asked = list(dict.fromkeys(targets)) or list(loaded.settings) or list(names())
    columns = compare(file, environment, asked)
    if form == "json":
        print_json([{**_values(c), "total": c.total} for c in columns])
    elif form == "markdown":
        typer.echo("\n".join(markdown(columns)))
    else:
        _table(columns, title=f"{loaded.plan.agent} in {loaded.plan.environment}")


def markdown(columns: Sequence[Column]) -> list[str]:
    """The comparison as a Markdown table; a line break in a cell is a <br>."""
    lines = ["| | " + " | ".join(c.target for c in columns) + " |", "|---|" + "---|" * len(columns)]
    for section, members in groupby(rows(columns), key=lambda r: r.section):
        lines.append(f"| **{section}** |" + " |" * len(columns))
        lines += [f"| {row.title} | " + " | ".join(_cell(c) for c in row.cells) + " |" for row in members]
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", "<br>")


def _values(column: Column) -> dict[str, object]:
    return {
        "target": column.target,
        "failed": column.failed,
        "refused": column.refused,
        "rounded": column.rounded,
        "parts": dict(column.parts),
        "limits": dict(column.limits),
        "guarantees": {topic: {"strength": strength, "by": by} for topic, strength, by in column.guarantees},
        "counts": dict(column.counts),
    }


def _table(columns: Sequence[Column], *, title: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    # Without a terminal there is no width to keep to: a table that a log cuts is of no use.
    console = console if console.is_terminal else Console(width=40 + 44 * len(columns))
    table = Table(title=title, show_lines=False, header_style="bold")
    table.add_column("", no_wrap=False, max_width=24)
    for column in columns:
        table.add_column(column.target, overflow="fold", ratio=1)
    for section, members in groupby(rows(columns), key=lambda r: r.section):
        table.add_section()
        table.add_row(Text(section, style="bold"))
        for row in members:
            table.add_row(row.title, *(_styled(row, cell) for cell in row.cells))
    console.print(table)


def _styled(row: Row, cell: str) -> Text:
    from rich.text import Text

    style = ""
    if cell.startswith(("refused", "not compiled", "absent")):
        style = "red"
    elif cell.startswith("advisory") or (row.title == "rounded" and cell != "-"):
        style = "yellow"
    elif cell == "yes" or cell.startswith("enforced"):
        style = "green"
    return Text(cell, style=style)
