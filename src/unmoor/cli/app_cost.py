"""The commands about money and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unmoor.cli.options import Env, File, Json, SomeTargets


def _said(name: str, metavar: str, help: str) -> typer.models.OptionInfo:
    return typer.Option(name, metavar=metavar, help=help, show_default=False)


def compare(
    file: File = Path(),
    env: Env = None,
    target: SomeTargets = None,
    runs: Annotated[str | None, _said("--runs", "N/month", "Runs a month, a day or an hour.")] = None,
    minutes: Annotated[str | None, _said("--minutes", "N", "Minutes that a run takes.")] = None,
    requests: Annotated[str | None, _said("--requests", "N", "Requests of the gateway for each run.")] = None,
    tokens_in: Annotated[str | None, _said("--tokens-in", "N", "Tokens in of a run, cached ones among them.")] = None,
    tokens_cached: Annotated[str | None, _said("--tokens-cached", "N", "Tokens in of a run from the cache.")] = None,
    tokens_out: Annotated[str | None, _said("--tokens-out", "N", "Tokens out of a run.")] = None,
    artifacts: Annotated[str | None, _said("--artifacts", "MIB", "MiB that are kept of a run.")] = None,
    logs: Annotated[str | None, _said("--logs", "MIB", "MiB of logs of a run.")] = None,
    egress: Annotated[str | None, _said("--egress", "MIB", "MiB that a run sends out of the platform.")] = None,
    day: Annotated[
        str | None, _said("--day", "SHAPE", "How runs are spread over a day: flat, office, night or 24 numbers.")
    ] = None,
    usage: Annotated[
        Path | None, typer.Option("--usage", metavar="FILE", help="A usage.yaml; options go over it.")
    ] = None,
    from_runs: Annotated[
        str, typer.Option("--from-runs", metavar="URL", help="Measure the use in the last 30 days of this store.")
    ] = "",
    what_if: Annotated[
        list[str] | None,
        typer.Option("--what-if", metavar="PATH=VALUE", help="Compare a change of the spec as well; several times."),
    ] = None,
    no_free_tier: Annotated[bool, typer.Option("--no-free-tier", help="Take nothing off as free.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Print every line of each bill with its source.")] = False,
    by_cost: Annotated[bool, typer.Option("--by-cost", help="Put the column that costs least first.")] = False,
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with charts, in one file.")
    ] = None,
) -> None:
    """Compare what the targets make of a spec, and what it would cost a month on each.

    Example: unmoor compare --runs 200/month --minutes 20 --what-if run.isolation=process
    """
    from unmoor.cli.commands.compare import CompareOptions, run
    from unmoor.cli.inputs.usage import UsageOptions

    values = {
        "runs": runs,
        "minutes": minutes,
        "requests": requests,
        "input_tokens": tokens_in,
        "cached_tokens": tokens_cached,
        "output_tokens": tokens_out,
        "artifacts_mib": artifacts,
        "logs_mib": logs,
        "egress_mib": egress,
        "day": day,
    }
    wanted = CompareOptions(
        asked=UsageOptions(file=usage, store=from_runs, values=values),
        what_if=what_if or [],
        free_tier=not no_free_tier,
        explain=explain,
        by_cost=by_cost,
        form="json" if json else "markdown" if markdown else "table" if html is None else "verdict",
        html=html,
    )
    run(file, env, target or [], wanted)


def cost(
    file: File = Path(),
    env: Env = None,
    target: Annotated[
        str, typer.Option("-t", "--target", help="At whose prices seconds are counted; the spec's only one without it.")
    ] = "",
    store: Annotated[
        str, typer.Option("--store", metavar="URL", help="The store's URL; where unmoor dev keeps runs without it.")
    ] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="DURATION", help="How far back, such as 30d or 12h.")
    ] = "30d",
    by: Annotated[
        str, typer.Option("--by", metavar="WHAT", help="Sums by trigger, day, model or session.")
    ] = "trigger",
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    json: Json = False,
) -> None:
    """Say what runs have really cost: the tokens that were metered, and their seconds at a target's prices.

    Example: unmoor cost --since 7d --by day -t aws-ecs --store s3://my-bucket
    """
    from datetime import UTC, datetime

    from unmoor.cli.inputs.requirements import require_runtime

    if csv and json:
        raise typer.BadParameter("--csv and --json exclude each other", param_hint="cost")
    require_runtime("unmoor cost")
    from unmoor.cli.commands.cost import run
    from unmoor.cost.actual_costs import KEYS

    if by not in KEYS:
        raise typer.BadParameter(f"{by!r} is not one of {', '.join(KEYS)}", param_hint="--by")
    form = "csv" if csv else "json" if json else "table"
    run(file, env, target, store=store, since=since, by=by, form=form, now=datetime.now(UTC))
