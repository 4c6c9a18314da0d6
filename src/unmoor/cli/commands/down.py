"""`unmoor down`."""

from __future__ import annotations

import json

import typer

from unmoor.cli.commands.preview import open_deployment
from unmoor.cli.commands.up import confirm
from unmoor.deploy.progress import make_progress
from unmoor.deploy.text import lines, resource_label, summary
from unmoor.stacks.deployment import DeployRequest


def run(asked: DeployRequest, *, yes: bool, as_json: bool, destroying: bool) -> None:
    """Says what goes and what stays, asks, takes the agent down, and lists what was kept."""
    found = open_deployment(asked, needs_secrets=False)
    if not found.workspace.exists():
        typer.echo(f"{found.title}: nothing is deployed", err=True)
        return
    keep = None if destroying else found.plan_down()
    if keep is not None and not keep.deleted:
        typer.echo(f"{found.title}: nothing is deployed but what was kept", err=True)
        return _kept([resource_label(step) for step in keep.data], as_json=as_json)
    changes = found.preview_down(lambda event: None, keep)
    typer.echo(f"{found.title}: {summary(changes)}", err=as_json)
    for line in lines(changes):
        typer.echo(line, err=as_json)
    confirm(f"Take down {found.title}{', and delete its data' if destroying else ''}?", yes=yes)
    of = len(changes.changes)
    with make_progress(found.agent, found.serving, as_json=as_json, doing="taking down", of=of) as progress:
        found.down(progress.on_event, keep)
    return _kept([resource_label(step) for step in keep.data] if keep else [], as_json=as_json)


def _kept(names: list[str], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"event": "kept", "resources": names}, ensure_ascii=False))
        return
    for name in names:
        typer.echo(f"kept: {name}")
    if names:
        typer.echo("the next up finds it again; unmoor down --destroy-data deletes it")
