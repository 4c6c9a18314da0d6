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


def run(asked: DeployRequest, *, diff: bool, form: str) -> None:
    """Prints what `up` would change, as text, json or markdown."""
    found = open_deployment(asked)
    changes = run_preview(found)
    if form == "json":
        typer.echo(json.dumps(as_json(found.title, changes), indent=2, ensure_ascii=False))
    elif form == "markdown":
        typer.echo(markdown(found.title, changes))
    else:
        show(found, changes, diff=diff)


def open_deployment(asked: DeployRequest, *, needs_secrets: bool = True) -> Deployment:
    """The deployment; what the last command has left undone is said."""
    found = load_deployment(asked, say=print_status, needs_secrets=needs_secrets)
    if left := unfinished_command_note(found.place):
        print_status(f"note: {left}")
        if half := found.workspace.pending_operations():
            print_status(f"note: {half}")
    return found


def run_preview(found: Deployment) -> Changes:
    """The changes; while they are looked for only warnings are shown."""
    print_status(f"{found.title}: previewing")
    with make_progress(found.agent, found.serving, as_json=False, doing="previewing") as progress:
        return found.preview(progress.on_event)


def show(found: Deployment, changes: Changes, *, diff: bool) -> None:
    """The changes for a person."""
    typer.echo(f"{found.title}: {summary(changes)}")
    for line in [*lines(changes), *(diff_lines(changes) if diff else ())]:
        typer.echo(line)
