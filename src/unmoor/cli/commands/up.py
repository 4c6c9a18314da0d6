"""`unmoor up`."""

from __future__ import annotations

import dataclasses
import json
import sys

import typer

from unmoor.cli.commands.outputs import output_values, print_lines
from unmoor.cli.commands.preview import open_deployment, run_preview, show
from unmoor.deploy.preview import Changes
from unmoor.deploy.progress import make_progress
from unmoor.deploy.text import as_json as changes_json
from unmoor.errors import Problem, RefusedError, UnmoorError
from unmoor.stacks.deployment import DeployRequest
from unmoor.target import Outputs


def run(request: DeployRequest, *, yes: bool, diff: bool, as_json: bool, verifying: bool, destroying: bool) -> int:
    """Previews, asks, deploys and verifies; returns the exit code."""
    deployment = open_deployment(request)
    changes = run_preview(deployment)
    if as_json:
        typer.echo(json.dumps({"event": "preview", **changes_json(deployment.title, changes)}, ensure_ascii=False))
    else:
        show(deployment, changes, diff=diff)
    _refuse_losses(changes, destroying=destroying)
    outputs = deployment.workspace.outputs() if not changes.changes else None
    if outputs is None or not all(dataclasses.astuple(dataclasses.replace(outputs, dns_target="-"))):
        if changes.changes:
            confirm(f"Deploy {deployment.title}?", yes=yes)
        of = len(changes.changes)
        with make_progress(deployment.agent, deployment.serving, as_json=as_json, of=of) as progress:
            outputs = deployment.up(progress.on_event)
    _print_outputs(outputs, as_json=as_json)
    if not verifying:
        return 0
    from unmoor.cli.commands.verify import run_verification

    return run_verification(deployment.chosen, outputs, as_json=as_json)


def _refuse_losses(changes: Changes, *, destroying: bool) -> None:
    """RefusedError, with a line for each, if the changes would delete data without --destroy-data."""
    if not destroying and changes.data_losses:
        remedy = "keep it, or allow its deletion with --destroy-data"
        raise RefusedError(Problem(path="store", rule=str(risk), remedy=remedy) for risk in changes.data_losses)


def confirm(question: str, *, yes: bool) -> None:
    """Asks for confirmation unless `yes`; UnmoorError without a terminal, typer.Abort on a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UnmoorError(f"{question} cannot ask for confirmation: stdin is not a terminal; pass --yes")
    typer.confirm(question, abort=True, err=True)


def _print_outputs(outputs: Outputs, *, as_json: bool) -> None:
    values = output_values(outputs)
    if as_json:
        typer.echo(json.dumps({"event": "outputs", **values}, ensure_ascii=False))
    else:
        print_lines(values)
