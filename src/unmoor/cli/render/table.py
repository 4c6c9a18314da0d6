"""Listings: a rich table on a terminal, aligned columns for other programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from unmoor.cli.render.event_lines import printable

# Columns up to SHORT, such as IDs, are not wrapped; the last column has at least LEAST.
SHORT, LEAST = 24, 20


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints the rows under their columns, without terminal control characters."""
    shown = [[printable(" ".join(cell.split())) for cell in row] for row in rows]
    if sys.stdout.isatty():
        return _on_a_terminal(columns, shown)
    widths = [max(map(len, cells)) for cells in zip(columns, *shown, strict=True)]
    for row in ([column.upper() for column in columns], *shown):
        line = "  ".join(f"{cell or '-':<{width}}" for cell, width in zip(row, widths, strict=True))
        typer.echo(line.rstrip())


def _on_a_terminal(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Fits the terminal's width: drops empty columns and folds the last one."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    full = [index for index in range(len(columns)) if any(row[index] for row in rows)]
    table = Table(header_style="bold", box=None, pad_edge=False)
    for index in full:
        is_last = index == full[-1]
        is_short = max(len(row[index]) for row in rows) <= SHORT
        table.add_column(
            columns[index], overflow="fold", no_wrap=is_short and not is_last, min_width=LEAST if is_last else None
        )
    for row in rows:
        table.add_row(*(Text(row[index] or "-") for index in full))
    Console().print(table)
