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


def run(asked: DeployRequest, *, yes: bool, diff: bool, as_json: bool, verifying: bool, destroying: bool) -> int:
    """Previews, asks, deploys and verifies; gives the exit code."""
    found = open_deployment(asked)
    changes = run_preview(found)
    if as_json:
        typer.echo(json.dumps({"event": "preview", **changes_json(found.title, changes)}, ensure_ascii=False))
    else:
        show(found, changes, diff=diff)
    _refuse_losses(changes, destroying=destroying)
    outputs = found.workspace.outputs() if not changes.changes else None
    if outputs is None or not all(dataclasses.astuple(outputs)):
        if changes.changes:
            confirm(f"Deploy {found.title}?", yes=yes)
        of = len(changes.changes)
        with make_progress(found.agent, found.serving, as_json=as_json, of=of) as progress:
            outputs = found.up(progress.on_event)
    _say_outputs(outputs, as_json=as_json)
    if not verifying:
        return 0
    from unmoor.cli.commands.verify import run_verification

    return run_verification(found.chosen, outputs, as_json=as_json)


def _refuse_losses(changes: Changes, *, destroying: bool) -> None:
    """RefusedError, with a line for each, where data would be deleted that was not given up."""
    if not destroying and changes.data_losses:
        remedy = "keep it, or give it up by --destroy-data"
        raise RefusedError(Problem(path="store", rule=str(risk), remedy=remedy) for risk in changes.data_losses)


def confirm(question: str, *, yes: bool) -> None:
    """Asks, unless the answer is given; UnmoorError where nobody can answer, typer.Abort for a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UnmoorError(f"{question} nobody can answer here, since this is no terminal; give --yes")
    typer.confirm(question, abort=True, err=True)


def _say_outputs(outputs: Outputs, *, as_json: bool) -> None:
    found = output_values(outputs)
    if as_json:
        typer.echo(json.dumps({"event": "outputs", **found}, ensure_ascii=False))
    else:
        print_lines(found)
