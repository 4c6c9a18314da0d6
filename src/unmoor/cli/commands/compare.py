"""`unmoor compare`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import typer

from unmoor.cli.inputs.set_values import changes
from unmoor.cli.inputs.usage import UsageOptions, resolve_usage
from unmoor.cli.render.compare_text import ComparisonView, as_json, as_markdown, as_table
from unmoor.compare import UNCHANGED, TargetColumn, WhatIf, compare_in_background
from unmoor.cost.compare_targets import compare_bills
from unmoor.cost.comparison import Comparison
from unmoor.errors import SpecError
from unmoor.spec.load import load
from unmoor.target.choose import unknown_targets
from unmoor.target.registry import load as load_target
from unmoor.target.registry import names


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
    usage: UsageOptions
    what_if: Sequence[str] = ()
    free_tier: bool = True
    explain: bool = False
    by_cost: bool = False
    form: str = "table"
    html: Path | None = None


def run(file: Path, environment: str | None, targets: Sequence[str], options: CompareOptions) -> None:
    """Prints the comparison of these targets, or of those that the spec has settings for."""
    usage, variants = resolve_usage(options.usage), [UNCHANGED, *map(variant, dict.fromkeys(options.what_if))]
    loaded = load(file, environment)
    if unknown := unknown_targets(loaded):
        raise SpecError(unknown)
    for name in targets:
        load_target(name)
    selected = list(dict.fromkeys(targets)) or list(loaded.settings) or list(names())
    today = datetime.now(UTC).date()
    with compare_in_background(file, environment, selected, variants) as columns:
        money = compare_bills(loaded, selected, variants, usage=usage, today=today, free_tier=options.free_tier)
        compared = columns()
    if options.by_cost:
        money, compared = _by_cost(money, compared)
    title = f"{loaded.plan.agent} in {loaded.plan.environment}"
    view = ComparisonView(title=title, columns=compared, money=money, explain=options.explain)
    _print(view, options.form)
    if options.html is not None:
        _write(view, options.html)


def variant(text: str) -> WhatIf:
    """Parses changes such as `run.isolation=process,resources.cpu=2`, whose values are YAML."""
    # A comma begins another change only where a path and a = follow: values may be lists.
    parts = re.split(r",(?=[A-Za-z_][\w.\[\]\"-]*=)", text)
    return WhatIf(label=text, changes=changes(parts, option="--what-if"))


def _by_cost(money: Comparison, columns: Sequence[TargetColumn]) -> tuple[Comparison, tuple[TargetColumn, ...]]:
    money = money.by_cost()
    by_title = {column.title: column for column in columns}
    return money, tuple(by_title[bill.title] for bill in money.bills)


def _print(view: ComparisonView, form: str) -> None:
    if form == "json":
        as_json(view)
    elif form == "verdict":
        typer.echo(view.money.verdict())
    elif form == "markdown":
        typer.echo("\n".join(as_markdown(view)))
    else:
        as_table(view)


def _write(view: ComparisonView, file: Path) -> None:
    from unmoor.cli.render.compare_page import page

    try:
        file.write_text(page(view), encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{file}: cannot be written: {error.strerror}", param_hint="--html") from None
    # On standard error: standard output may be JSON.
    typer.echo(f"wrote {file}", err=True)
