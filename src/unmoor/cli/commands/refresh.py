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


def run(asked: DeployRequest, *, repair: bool, as_json: bool) -> None:
    """Prints what of the agent differs from what the last `up` made."""
    found = open_deployment(asked, needs_secrets=False)
    with make_progress(found.agent, found.serving, as_json=as_json, doing="looking") as progress:
        try:
            changes = found.refresh(progress.on_event, repair=repair)
        except LockedError as error:
            if not repair or error.is_alive:
                raise
            found.workspace.unlock()
            progress.note("the lock of the command that held it is taken")
            changes = found.refresh(progress.on_event, repair=True)
    if as_json:
        typer.echo(json.dumps({"event": "refreshed", **changes_json(found.title, changes)}, ensure_ascii=False))
        return
    for line in drift_lines(found.title, changes):
        typer.echo(line)
