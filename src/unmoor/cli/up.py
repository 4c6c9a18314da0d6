"""`unmoor up`."""

from __future__ import annotations

import dataclasses
import json
import sys

import typer

from unmoor.cli.outputs import print_lines, shown
from unmoor.cli.preview import opened, previewed, show
from unmoor.deploy.changes import Changes
from unmoor.deploy.progress import progress_of
from unmoor.deploy.words import as_json as changes_json
from unmoor.errors import Problem, RefusedError, UnmoorError
from unmoor.stacks.deployment import Asked
from unmoor.target import Outputs


def run(asked: Asked, *, yes: bool, diff: bool, as_json: bool, verifying: bool, destroying: bool) -> int:
    """Previews, asks, deploys and verifies; gives the exit code."""
    found = opened(asked)
    changes = previewed(found)
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
        with progress_of(found.agent, found.serving, as_json=as_json, of=of) as progress:
            outputs = found.up(progress.hear)
    _say_outputs(outputs, as_json=as_json)
    if not verifying:
        return 0
    from unmoor.cli.verify import verified

    return verified(found.chosen, outputs, as_json=as_json)


def _refuse_losses(changes: Changes, *, destroying: bool) -> None:
    """RefusedError, with a line for each, where data would be deleted that was not given up."""
    if not destroying and changes.losing:
        remedy = "keep it, or give it up by --destroy-data"
        raise RefusedError(Problem(path="store", rule=str(risk), remedy=remedy) for risk in changes.losing)


def confirm(question: str, *, yes: bool) -> None:
    """Asks, unless the answer is given; UnmoorError where nobody can answer, typer.Abort for a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UnmoorError(f"{question} nobody can answer here, since this is no terminal; give --yes")
    typer.confirm(question, abort=True, err=True)


def _say_outputs(outputs: Outputs, *, as_json: bool) -> None:
    found = shown(outputs)
    if as_json:
        typer.echo(json.dumps({"event": "outputs", **found}, ensure_ascii=False))
    else:
        print_lines(found)
