"""`unmoor down`."""

from __future__ import annotations

import contextlib
import json

import typer

from unmoor.cli.commands.preview import open_deployment
from unmoor.cli.commands.up import confirm
from unmoor.deploy.progress import make_progress
from unmoor.deploy.text import lines, resource_label, summary
from unmoor.errors import UnmoorError
from unmoor.operate.connect import gateway_at
from unmoor.operate.end_runs import active_runs, end_runs
from unmoor.operate.gateway_agent import GatewayAgent
from unmoor.stacks.deployment import Deployment, DeployRequest


def run(request: DeployRequest, *, yes: bool, as_json: bool, destroying: bool) -> None:
    """Previews, asks, deletes the deployment, and lists the retained resources."""
    deployment = open_deployment(request, needs_secrets=False)
    if not deployment.workspace.exists():
        typer.echo(f"{deployment.title}: nothing is deployed", err=True)
        return
    keep = None if destroying else deployment.plan_down()
    if keep is not None and not keep.deleted:
        typer.echo(f"{deployment.title}: only retained data remains", err=True)
        return _print_retained([resource_label(step) for step in keep.data], as_json=as_json)
    changes = deployment.preview_down(lambda event: None, keep)
    typer.echo(f"{deployment.title}: {summary(changes)}", err=as_json)
    for line in lines(changes):
        typer.echo(line, err=as_json)
    with contextlib.ExitStack() as stack:
        agent, runs = _active_runs(deployment, stack)
        ending = f", and end {len(runs)} active run{'s' if len(runs) > 1 else ''}" if runs else ""
        confirm(f"Take down {deployment.title}{ending}{', and delete its data' if destroying else ''}?", yes=yes)
        if agent is not None and runs:
            typer.echo(f"{deployment.title}: cancelling {len(runs)} active run{'s' if len(runs) > 1 else ''}", err=True)
            end_runs(agent, runs)
    of = len(changes.changes)
    with make_progress(deployment.agent, deployment.serving, as_json=as_json, doing="taking down", of=of) as progress:
        deployment.down(progress.on_event, keep)
    return _print_retained([resource_label(step) for step in keep.data] if keep else [], as_json=as_json)


def _active_runs(deployment: Deployment, stack: contextlib.ExitStack) -> tuple[GatewayAgent | None, list[str]]:
    """The gateway and its runs that are queued or running; none, with a line, if it does not answer."""
    outputs = deployment.workspace.outputs()
    if outputs is None:
        return None, []
    agent = stack.enter_context(contextlib.closing(gateway_at(deployment.chosen, outputs)))
    try:
        return agent, active_runs(agent)
    except UnmoorError as error:
        typer.echo(f"{deployment.title}: its active runs cannot be counted: {error}", err=True)
        return None, []


def _print_retained(names: list[str], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"event": "kept", "resources": names}, ensure_ascii=False))
        return
    for name in names:
        typer.echo(f"kept: {name}")
    if names:
        typer.echo("the next up reuses it; unmoor down --destroy-data deletes it")
