"""`unmoor cancel`."""

from __future__ import annotations

import typer

from unmoor.cli.render.values import print_json
from unmoor.operate.agent import resolve_run
from unmoor.operate.connect import AgentLocation, connect_agent
from unmoor.runtime.events import FINAL_STATUSES


def run(where: AgentLocation, run: str, *, as_json: bool) -> None:
    with connect_agent(where) as agent:
        before = resolve_run(agent, run)["status"]
        status = before if before in FINAL_STATUSES else agent.cancel(run)
    if as_json:
        print_json({"id": run, "status": status})
    elif before in FINAL_STATUSES:
        typer.echo(f"{run} had already ended: {status}")
    else:
        typer.echo(
            f"{run} {status}" if status in FINAL_STATUSES else f"{run} is being canceled and ends within seconds"
        )
