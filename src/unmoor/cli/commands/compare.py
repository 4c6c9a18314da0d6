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
    """What is asked of a comparison beside the spec and its targets."""

    asked: UsageOptions
    what_if: Sequence[str] = ()
    free_tier: bool = True
    explain: bool = False
    by_cost: bool = False
    form: str = "table"
    html: Path | None = None


def run(file: Path, environment: str | None, targets: Sequence[str], wanted: CompareOptions) -> None:
    """Prints the comparison of these targets, or of those that the spec has settings for."""
    usage, variants = resolve_usage(wanted.asked), [UNCHANGED, *map(variant, dict.fromkeys(wanted.what_if))]
    loaded = load(file, environment)
    if unknown := unknown_targets(loaded):
        raise SpecError(unknown)
    for name in targets:
        load_target(name)
    asked = list(dict.fromkeys(targets)) or list(loaded.settings) or list(names())
    today = datetime.now(UTC).date()
    with compare_in_background(file, environment, asked, variants) as columns:
        money = compare_bills(loaded, asked, variants, usage=usage, today=today, free_tier=wanted.free_tier)
        compared = columns()
    if wanted.by_cost:
        money, compared = _by_cost(money, compared)
    title = f"{loaded.plan.agent} in {loaded.plan.environment}"
    shown = ComparisonView(title=title, columns=compared, money=money, explain=wanted.explain)
    _print(shown, wanted.form)
    if wanted.html is not None:
        _write(shown, wanted.html)


def variant(text: str) -> WhatIf:
    """`run.isolation=process,resources.cpu=2` as a change of two values, each as YAML has it."""
    # A comma begins another change only where a path and a = follow: values may be lists.
    parts = re.split(r",(?=[A-Za-z_][\w.\[\]\"-]*=)", text)
    return WhatIf(label=text, changes=changes(parts, option="--what-if"))


def _by_cost(money: Comparison, columns: Sequence[TargetColumn]) -> tuple[Comparison, tuple[TargetColumn, ...]]:
    money = money.by_cost()
    by_title = {column.title: column for column in columns}
    return money, tuple(by_title[bill.title] for bill in money.bills)


def _print(shown: ComparisonView, form: str) -> None:
    if form == "json":
        as_json(shown)
    elif form == "verdict":
        typer.echo(shown.money.verdict())
    elif form == "markdown":
        typer.echo("\n".join(as_markdown(shown)))
    else:
        as_table(shown)


def _write(shown: ComparisonView, file: Path) -> None:
    from unmoor.cli.render.compare_page import page

    try:
        file.write_text(page(shown), encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{file}: cannot be written: {error.strerror}", param_hint="--html") from None
    # On stderr, since what is printed beside it may be JSON.
    typer.echo(f"wrote {file}", err=True)
