"""Renders a comparison as a terminal table, Markdown or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from unmoor.cli.render.compare_hosted import explanation_lines, reference_lines, reference_markdown, reference_values
from unmoor.cli.render.markdown import cell
from unmoor.cli.render.values import print_json
from unmoor.compare import Row, TargetColumn, table_rows
from unmoor.cost.comparison import Bill, BreakEven, Comparison
from unmoor.cost.hosted_comparison import old_references, references
from unmoor.cost.own_share import OwnShare
from unmoor.cost.sensitivity import sensitivity, swing_lines
from unmoor.cost.text import assumptions, assumptions_used, bill_line, break_even_lines, cost_rows, explain_line, source
from unmoor.pricing.line import KINDS

if TYPE_CHECKING:
    from rich.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonView:
    """A comparison to render: guarantees and costs, with columns in the same order."""

    title: str
    columns: Sequence[TargetColumn]
    money: Comparison
    explain: bool = False


def all_rows(view: ComparisonView) -> list[Row]:
    """All rows: the plan's, then cost, then parts, limits, guarantees and resources."""
    promised = table_rows(view.columns)
    money = [Row(section="cost a month", title=title, cells=cells) for title, cells in cost_rows(view.money)]
    first = [row for row in promised if row.section == "plan"]
    return [*first, *money, *(row for row in promised if row.section != "plan")]


def footnotes(view: ComparisonView) -> list[str]:
    """The lines below the table: the verdict, break-even points and assumptions."""
    reference = old_references(references(view.money), view.money.today)
    old = [f"old prices: {line}" for line in (*view.money.old_books(), *reference)]
    assumed = [f"assumed: {line}" for line in assumptions()]
    further = [*swing_lines(view.money), *assumed] if view.explain else []
    return [view.money.verdict(), *break_even_lines(view.money), *assumptions_used(view.money), *further, *old]


def as_json(view: ComparisonView) -> None:
    """A list of the columns, each with its bill."""
    together = {
        "verdict": view.money.verdict(),
        "free_tier": view.money.free_tier,
        "usage": dict(view.money.usage.assumptions()),
        "sensitivity": sensitivity(view.money),
    }
    points = view.money.break_evens()
    costs = [{**_cost(view.money, bill, points), **together} if bill.is_priced else None for bill in view.money.bills]
    print_json([{**_values(c), "total": c.total, "cost": cost} for c, cost in zip(view.columns, costs, strict=True)])


def as_markdown(view: ComparisonView) -> list[str]:
    """The comparison as a Markdown table; a line break in a cell is a <br>."""
    count = len(view.columns)
    lines = ["| | " + " | ".join(cell(c.title) for c in view.columns) + " |", "|---|" + "---|" * count]
    for section, members in groupby(all_rows(view), key=lambda r: r.section):
        lines.append(f"| **{section}** |" + " |" * count)
        lines += [f"| {row.title} | " + " | ".join(cell(c) for c in row.cells) + " |" for row in members]
    verdict, *others = footnotes(view)
    lines += ["", f"**{verdict}**", "", *(f"- {line}" for line in others)]
    lines += reference_markdown(references(view.money), explain=view.explain)
    if view.explain:
        for bill in view.money.bills:
            lines += ["", f"### {bill.title}", "", "| part | what | a month | source |", "|---|---|---|---|"]
            lines += [
                f"| {line.part} | {cell(line.what)} | {cell(explain_line(line))} | {cell(source(line))} |"
                for line in bill.lines
            ]
    return lines


def as_table(view: ComparisonView) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    # Not wrapped without a terminal: a log must not cut the table.
    console = console if console.is_terminal else Console(width=40 + 44 * len(view.columns))
    table = Table(title=view.title, show_lines=False, header_style="bold")
    table.add_column("", no_wrap=False, max_width=24)
    for column in view.columns:
        table.add_column(column.title, overflow="fold", ratio=1)
    for section, members in groupby(all_rows(view), key=lambda r: r.section):
        table.add_section()
        table.add_row(Text(section, style="bold"))
        for row in members:
            table.add_row(row.title, *(_style(row, cell) for cell in row.cells))
    console.print(table)
    verdict, *others = footnotes(view)
    console.print(Text(verdict, style="bold"))
    for line in others:
        console.print(Text(line))
    reference = references(view.money)
    for line in reference_lines(reference):
        console.print(Text(line), soft_wrap=line.startswith(" "))
    if view.explain:
        for line in (*_explanation(view.money.bills), *explanation_lines(reference)):
            console.print(Text(line), soft_wrap=True)


def _explanation(bills: Sequence[Bill]) -> Iterator[str]:
    for bill in bills:
        yield ""
        yield bill.title + (": no price" if not bill.is_priced else "")
        yield from map(bill_line, bill.lines)


def _values(column: TargetColumn) -> dict[str, object]:
    return {
        "target": column.target,
        "variant": column.variant,
        "failed": column.failed,
        "refused": column.refused,
        "rounded": column.rounded,
        "parts": dict(column.parts),
        "limits": dict(column.limits),
        "guarantees": {topic: {"strength": strength, "by": by} for topic, strength, by in column.guarantees},
        "counts": dict(column.counts),
    }


def _cost(money: Comparison, bill: Bill, points: Sequence[BreakEven]) -> dict[str, Any]:
    """A bill's JSON values; sums contain only known amounts."""
    total = bill.total()
    return {
        "currency": "USD",
        "total": total.known,
        "whole": total.is_complete,
        "lacking": total.missing,
        "kinds": {kind: bill.total(kind).known for kind in KINDS},
        "own_share": _own_share(bill.own_share(money.usage)),
        "a_further_run": money.a_further_run(bill).known,
        "break_even": [point for point in points if bill.title in (point.cheaper, point.dearer)],
        "lines": bill.lines,
        "reference": reference_values(references(money, bill)),
    }


def _own_share(share: OwnShare | None) -> dict[str, Any] | None:
    """unmoor's share as JSON values; null where runs have no containers that are billed by the second."""
    if share is None:
        return None
    parts = {name: part.known for name, part in share.parts()}
    return {"bare": share.bare.known, "total": share.total.known, **parts, "whole": share.total.is_complete}


def _style(row: Row, cell: str) -> Text:
    from rich.text import Text

    style = ""
    if cell.startswith(("refused", "not compiled", "absent")):
        style = "red"
    elif cell.startswith(("advisory", "at least", "unknown")) or (
        row.title in ("adjusted", "missing prices") and cell != "-"
    ):
        style = "yellow"
    elif cell == "yes" or cell.startswith("enforced"):
        style = "green"
    return Text(cell, style=style or ("bold" if row.title == "total" else ""))
