"""Listings: a table of rich's on a terminal, aligned columns elsewhere, so that other programs can read them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from unmoor.cli.event_lines import printable


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints the rows under their columns; nothing in them is a command to the terminal."""
    shown = [[printable(" ".join(cell.split())) for cell in row] for row in rows]
    if sys.stdout.isatty():
        return _on_a_terminal(columns, shown)
    widths = [max(map(len, cells)) for cells in zip(columns, *shown, strict=True)]
    for row in ([column.upper() for column in columns], *shown):
        line = "  ".join(f"{cell or '-':<{width}}" for cell, width in zip(row, widths, strict=True))
        typer.echo(line.rstrip())


def _on_a_terminal(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        # The last column says why, and is as wide as the terminal leaves it; ids are copied, so they stay whole.
        is_last = index == len(columns) - 1
        table.add_column(column, overflow="ellipsis" if is_last else "fold", no_wrap=is_last or index == 0)
    for row in rows:
        table.add_row(*(Text(cell or "-") for cell in row))
    Console().print(table)
