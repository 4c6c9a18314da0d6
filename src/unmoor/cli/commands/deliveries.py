"""`unmoor deliveries`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import typer

from unmoor.cli.render.table import print_table
from unmoor.cli.render.times import parse_time
from unmoor.cli.render.values import print_json
from unmoor.operate.agent import iter_deliveries
from unmoor.operate.connect import AgentLocation, connect_agent

COLUMNS = ("came (UTC)", "trigger", "outcome", "times", "delivery", "run, or why there is none")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries are listed."""

    outcomes: Sequence[str] = ()
    trigger: str = ""
    since: datetime | None = None
    limit: int = 20


def run(where: AgentLocation, delivery_filter: DeliveryFilter, *, as_json: bool) -> None:
    """Prints what came last."""
    with connect_agent(where) as agent:
        all_of_them = iter_deliveries(agent, trigger=delivery_filter.trigger, since=delivery_filter.since)
        those = (
            each for each in all_of_them if not delivery_filter.outcomes or each["outcome"] in delivery_filter.outcomes
        )
        found = list(itertools.islice(those, delivery_filter.limit))
    if as_json:
        print_json(found)
    elif not found:
        typer.echo("nothing such came", err=True)
    else:
        print_table(COLUMNS, [_cells(each) for each in found])


def _cells(each: dict[str, Any]) -> list[str]:
    came, became = f"{parse_time(each['at']):%Y-%m-%d %H:%M:%S}", each["run"] or each["reason"]
    return [came, each["trigger"], each["outcome"], str(each["times"]), each["id"], became]
