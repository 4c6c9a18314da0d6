"""`unmoor logs`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import typer

from unmoor.cli.render.event_lines import event_lines, label_lines
from unmoor.cli.render.times import parse_time
from unmoor.cli.render.values import print_status
from unmoor.operate.agent import AgentClient, resolve_run
from unmoor.operate.connect import AgentLocation, connect_agent
from unmoor.operate.follow_events import Follower, now


def run(where: AgentLocation, run: str, *, follow: bool, as_json: bool) -> None:
    """Prints the events of a run, by default the newest; with `follow`, until it ends."""
    with connect_agent(where) as agent:
        chosen = resolve_run(agent, run)["id"]
        if not run:
            print_status(chosen)
        try:
            print_events(events_of(agent, chosen) if follow else now(agent, chosen), as_json=as_json)
        except KeyboardInterrupt:
            return  # the run continues


def events_of(agent: AgentClient, run: str) -> Iterable[dict[str, Any]]:
    """The run's events until it ends; connection problems are printed on standard error."""
    return Follower(agent=agent, notify=print_status).events(run)


def print_events(events: Iterable[dict[str, Any]], *, as_json: bool) -> str:
    """Prints the events as they arrive; returns the run's final status, or an empty text."""
    status = ""
    for event in events:
        if as_json:
            typer.echo(json.dumps(event, ensure_ascii=True))
        else:
            _print(event)
        if event["type"] == "run.finished":
            status = event["status"]
    return status


def _print(event: dict[str, Any]) -> None:
    lines = event_lines(event)
    if event["type"] == "run.finished":
        lines = label_lines("ends", f"{event['status']}: {event['reason']}" if event["reason"] else event["status"])
    at = parse_time(event["at"])
    for index, line in enumerate(lines):
        typer.echo(f"{at:%H:%M:%S}  {line}" if at and index == 0 else f"{'':8}  {line}")
