"""`unmoor runs`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import typer

from unmoor.cli.render.table import print_table
from unmoor.cli.render.times import format_duration, parse_time
from unmoor.cli.render.values import print_json
from unmoor.operate.agent import iter_runs
from unmoor.operate.connect import AgentLocation, connect_agent

COLUMNS = ("run", "status", "trigger", "created (UTC)", "took", "cost USD", "session", "what")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    statuses: Sequence[str] = ()
    trigger: str = ""
    since: datetime | None = None
    limit: int = 20


def run(where: AgentLocation, run_filter: RunFilter, *, as_json: bool, now: datetime) -> None:
    with connect_agent(where) as agent:
        found = list(
            itertools.islice(_matching(iter_runs(agent, since=run_filter.since), run_filter), run_filter.limit)
        )
    if as_json:
        print_json(found)
    elif not found:
        typer.echo("no matching run", err=True)
    else:
        print_table(COLUMNS, [_cells(each, now) for each in found])


def _matching(runs: Iterator[dict[str, Any]], run_filter: RunFilter) -> Iterator[dict[str, Any]]:
    for each in runs:
        if run_filter.statuses and each["status"] not in run_filter.statuses:
            continue
        if not run_filter.trigger or each["trigger"]["name"] == run_filter.trigger:
            yield each


def _cells(each: dict[str, Any], now: datetime) -> list[str]:
    began, ended = parse_time(each["started_at"]), parse_time(each["ended_at"])
    created = parse_time(each["created_at"])
    return [
        each["id"],
        each["status"],
        each["trigger"]["name"],
        f"{created:%Y-%m-%d %H:%M:%S}" if created else "",
        format_duration(began, ended or now) if began else "",
        each["cost_usd"] or "",
        each["session"],
        each["reason"] or each["prompt"][:60],
    ]
