"""The commands about money and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unmoor.cli.options import Env, File, Json, SomeTargets


# typer reads one parameter per option and cannot group them; UsageOptions and CompareOptions do so at once.
def _amount_option(name: str, metavar: str, help: str) -> typer.models.OptionInfo:
    return typer.Option(name, metavar=metavar, help=help, show_default=False)


def compare(
    file: File = Path(),
    env: Env = None,
    target: SomeTargets = None,
    runs: Annotated[str | None, _amount_option("--runs", "N/month", "Runs per month, day or hour.")] = None,
    minutes: Annotated[str | None, _amount_option("--minutes", "N", "Duration of a run in minutes.")] = None,
    requests: Annotated[str | None, _amount_option("--requests", "N", "Gateway requests per run.")] = None,
    tokens_in: Annotated[
        str | None, _amount_option("--tokens-in", "N", "Input tokens per run, including cached ones.")
    ] = None,
    tokens_cached: Annotated[str | None, _amount_option("--tokens-cached", "N", "Cached input tokens per run.")] = None,
    tokens_out: Annotated[str | None, _amount_option("--tokens-out", "N", "Output tokens per run.")] = None,
    artifacts: Annotated[str | None, _amount_option("--artifacts", "MIB", "Artifacts stored per run, in MiB.")] = None,
    logs: Annotated[str | None, _amount_option("--logs", "MIB", "Logs per run, in MiB.")] = None,
    egress: Annotated[str | None, _amount_option("--egress", "MIB", "Egress traffic per run, in MiB.")] = None,
    day: Annotated[
        str | None,
        _amount_option("--day", "SHAPE", "Distribution of runs over a day: flat, office, night or 24 numbers."),
    ] = None,
    usage: Annotated[
        Path | None, typer.Option("--usage", metavar="FILE", help="A usage.yaml; options override its values.")
    ] = None,
    from_runs: Annotated[
        str, typer.Option("--from-runs", metavar="URL", help="Measure the usage of the last 30 days from this store.")
    ] = "",
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            "--what-if", metavar="PATH=VALUE", help="Add a column for each target with this spec change; repeatable."
        ),
    ] = None,
    no_free_tier: Annotated[bool, typer.Option("--no-free-tier", help="Ignore free tiers.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Print every line item with its price source.")] = False,
    by_cost: Annotated[bool, typer.Option("--by-cost", help="Sort columns by cost, cheapest first.")] = False,
    json: Json = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a self-contained HTML page with charts.")
    ] = None,
) -> None:
    """Compare the targets: the guarantees that each gives a spec, and its monthly cost.

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
    options = CompareOptions(
        usage=UsageOptions(file=usage, store=from_runs, values=values),
        what_if=what_if or [],
        free_tier=not no_free_tier,
        explain=explain,
        by_cost=by_cost,
        form="json" if json else "markdown" if markdown else "table" if html is None else "verdict",
        html=html,
    )
    run(file, env, target or [], options)


def cost(
    file: File = Path(),
    env: Env = None,
    target: Annotated[
        str, typer.Option("-t", "--target", help="Target whose prices to use; defaults to the spec's only target.")
    ] = "",
    store: Annotated[
        str, typer.Option("--store", metavar="URL", help="The store's URL; default: the store of unmoor dev.")
    ] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="DURATION", help="How far back to look, such as 30d or 12h.")
    ] = "30d",
    by: Annotated[
        str, typer.Option("--by", metavar="WHAT", help="Group by trigger, day, model or session.")
    ] = "trigger",
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    json: Json = False,
) -> None:
    """Show the actual cost of runs: metered tokens, and run seconds at a target's list prices.

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
