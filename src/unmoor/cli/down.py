"""`unmoor down`."""

from __future__ import annotations

import json

import typer

from unmoor.cli.preview import opened
from unmoor.cli.up import confirm
from unmoor.deploy.progress import progress_of
from unmoor.deploy.words import lines, named, summary
from unmoor.stacks.deployment import Asked


def run(asked: Asked, *, yes: bool, as_json: bool, destroying: bool) -> None:
    """Says what goes and what stays, asks, takes the agent down, and lists what was kept."""
    found = opened(asked, needing_values=False)
    if not found.workspace.exists():
        typer.echo(f"{found.title}: nothing is deployed", err=True)
        return
    keep = None if destroying else found.keeping()
    if keep is not None and not keep.going:
        typer.echo(f"{found.title}: nothing is deployed but what was kept", err=True)
        return _kept([named(step) for step in keep.data], as_json=as_json)
    changes = found.preview_down(lambda event: None, keep)
    typer.echo(f"{found.title}: {summary(changes)}", err=as_json)
    for line in lines(changes):
        typer.echo(line, err=as_json)
    confirm(f"Take down {found.title}{', and delete its data' if destroying else ''}?", yes=yes)
    of = len(changes.changes)
    with progress_of(found.agent, found.serving, as_json=as_json, doing="taking down", of=of) as progress:
        found.down(progress.hear, keep)
    return _kept([named(step) for step in keep.data] if keep else [], as_json=as_json)


def _kept(names: list[str], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"event": "kept", "resources": names}, ensure_ascii=False))
        return
    for name in names:
        typer.echo(f"kept: {name}")
    if names:
        typer.echo("the next up finds it again; unmoor down --destroy-data deletes it")
