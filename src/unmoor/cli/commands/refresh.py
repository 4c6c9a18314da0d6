"""`unmoor refresh`."""

from __future__ import annotations

import json

import typer

from unmoor.cli.commands.preview import open_deployment
from unmoor.deploy.progress import make_progress
from unmoor.deploy.text import as_json as changes_json
from unmoor.deploy.text import drift_lines
from unmoor.stacks.deployment import DeployRequest
from unmoor.stacks.failures import LockedError


def run(request: DeployRequest, *, repair: bool, as_json: bool) -> None:
    """Prints how the real resources differ from the last `up`."""
    deployment = open_deployment(request, needs_secrets=False)
    with make_progress(deployment.agent, deployment.serving, as_json=as_json, doing="looking") as progress:
        try:
            changes = deployment.refresh(progress.on_event, repair=repair)
        except LockedError as error:
            if not repair or error.is_alive:
                raise
            deployment.workspace.unlock()
            progress.note("took over the lock of the dead command")
            changes = deployment.refresh(progress.on_event, repair=True)
    if as_json:
        typer.echo(json.dumps({"event": "refreshed", **changes_json(deployment.title, changes)}, ensure_ascii=False))
        return
    for line in drift_lines(deployment.title, changes):
        typer.echo(line)
