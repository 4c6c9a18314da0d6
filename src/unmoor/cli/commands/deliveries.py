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

COLUMNS = ("received (UTC)", "trigger", "outcome", "times", "delivery", "run or reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    outcomes: Sequence[str] = ()
    trigger: str = ""
    since: datetime | None = None
    limit: int = 20


def run(where: AgentLocation, delivery_filter: DeliveryFilter, *, as_json: bool) -> None:
    with connect_agent(where) as agent:
        deliveries = iter_deliveries(agent, trigger=delivery_filter.trigger, since=delivery_filter.since)
        outcomes = delivery_filter.outcomes
        matching = (each for each in deliveries if not outcomes or each["outcome"] in outcomes)
        found = list(itertools.islice(matching, delivery_filter.limit))
    if as_json:
        print_json(found)
    elif not found:
        typer.echo("no matching delivery", err=True)
    else:
        print_table(COLUMNS, [_cells(each) for each in found])


def _cells(each: dict[str, Any]) -> list[str]:
    received, result = f"{parse_time(each['at']):%Y-%m-%d %H:%M:%S}", each["run"] or each["reason"]
    return [received, each["trigger"], each["outcome"], str(each["times"]), each["id"], result]
