"""`unmoor preview`."""

from __future__ import annotations

import json

import typer

from unmoor.cli.show import say
from unmoor.deploy.changes import Changes
from unmoor.deploy.progress import progress_of
from unmoor.deploy.words import as_json, diff_lines, lines, markdown, summary
from unmoor.stacks.deployment import Asked, Deployment, deployment
from unmoor.stacks.last import left_behind


def run(asked: Asked, *, diff: bool, form: str) -> None:
    """Prints what `up` would change, as text, json or markdown."""
    found = opened(asked)
    changes = previewed(found)
    if form == "json":
        typer.echo(json.dumps(as_json(found.title, changes), indent=2, ensure_ascii=False))
    elif form == "markdown":
        typer.echo(markdown(found.title, changes))
    else:
        show(found, changes, diff=diff)


def opened(asked: Asked, *, needing_values: bool = True) -> Deployment:
    """The deployment; what the last command has left undone is said."""
    found = deployment(asked, say=say, needing_values=needing_values)
    if left := left_behind(found.place):
        say(f"note: {left}")
        if half := found.workspace.half_done():
            say(f"note: {half}")
    return found


def previewed(found: Deployment) -> Changes:
    """The changes; while they are looked for only warnings are shown."""
    say(f"{found.title}: previewing")
    with progress_of(found.agent, found.serving, as_json=False, doing="previewing") as progress:
        return found.preview(progress.hear)


def show(found: Deployment, changes: Changes, *, diff: bool) -> None:
    """The changes for a person."""
    typer.echo(f"{found.title}: {summary(changes)}")
    for line in [*lines(changes), *(diff_lines(changes) if diff else ())]:
        typer.echo(line)
