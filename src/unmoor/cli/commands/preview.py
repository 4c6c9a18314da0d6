"""`unmoor preview`."""

from __future__ import annotations

import json

import typer

from unmoor.cli.render.values import print_status
from unmoor.deploy.preview import Changes
from unmoor.deploy.progress import make_progress
from unmoor.deploy.text import as_json, diff_lines, lines, markdown, summary
from unmoor.stacks.deployment import Deployment, DeployRequest, load_deployment
from unmoor.stacks.last_command import unfinished_command_note


def run(request: DeployRequest, *, diff: bool, form: str) -> None:
    """Prints what `up` would change, as text, json or markdown."""
    deployment = open_deployment(request)
    changes = run_preview(deployment)
    if form == "json":
        typer.echo(json.dumps(as_json(deployment.title, changes), indent=2, ensure_ascii=False))
    elif form == "markdown":
        typer.echo(markdown(deployment.title, changes))
    else:
        show(deployment, changes, diff=diff)


def open_deployment(request: DeployRequest, *, needs_secrets: bool = True) -> Deployment:
    """Loads the deployment and prints what the last command left unfinished."""
    deployment = load_deployment(request, say=print_status, needs_secrets=needs_secrets)
    if left := unfinished_command_note(deployment.place):
        print_status(f"note: {left}")
        if half := deployment.workspace.pending_operations():
            print_status(f"note: {half}")
    return deployment


def run_preview(deployment: Deployment) -> Changes:
    """Runs the preview, printing only warnings."""
    print_status(f"{deployment.title}: previewing")
    with make_progress(deployment.agent, deployment.serving, as_json=False, doing="previewing") as progress:
        return deployment.preview(progress.on_event)


def show(deployment: Deployment, changes: Changes, *, diff: bool) -> None:
    typer.echo(f"{deployment.title}: {summary(changes)}")
    for line in [*lines(changes), *(diff_lines(changes) if diff else ())]:
        typer.echo(line)
