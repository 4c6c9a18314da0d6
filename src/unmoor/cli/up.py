"""`unmoor up`."""

from __future__ import annotations

import dataclasses
import json
import sys

import typer

from unmoor.cli.preview import opened, previewed, show
from unmoor.deploy.changes import Changes
from unmoor.deploy.progress import progress_of
from unmoor.deploy.words import as_json as changes_json
from unmoor.errors import Problem, RefusedError, UnmoorError
from unmoor.graph import SECRET
from unmoor.stacks.deployment import Asked, Deployment
from unmoor.target import Outputs


def run(asked: Asked, *, yes: bool, diff: bool, as_json: bool, verifying: bool, destroying: bool) -> int:
    """Previews, asks, deploys and verifies; gives the exit code."""
    found = opened(asked)
    changes = previewed(found)
    if as_json:
        typer.echo(json.dumps({"event": "preview", **changes_json(found.title, changes)}, ensure_ascii=False))
    else:
        show(found, changes, diff=diff)
    refuse_losses(found, changes, destroying=destroying)
    outputs = found.workspace.outputs() if not changes.changes else None
    if outputs is None or not all(dataclasses.astuple(outputs)):
        if changes.changes:
            confirm(f"Deploy {found.title}?", yes=yes)
        of = len(changes.changes)
        with progress_of(found.agent, found.serving, as_json=as_json, of=of) as progress:
            outputs = found.up(progress.hear)
    say_outputs(outputs, as_json=as_json)
    return verified(found, outputs, as_json=as_json) if verifying else 0


def refuse_losses(found: Deployment, changes: Changes, *, destroying: bool) -> None:
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


def say_outputs(outputs: Outputs, *, as_json: bool, show_token: bool = False) -> None:
    """What the agent is reached by; the token only where it is asked for."""
    shown = {**dataclasses.asdict(outputs), **({} if show_token else {"token": SECRET})}
    if as_json:
        typer.echo(json.dumps({"event": "outputs", **shown}, ensure_ascii=False))
        return
    for name, value in shown.items():
        typer.echo(f"  {name + ':':11} {value}")


def verified(found: Deployment, outputs: Outputs, *, as_json: bool) -> int:
    """Says whether what runs is what was deployed; 0 where it is."""
    from unmoor.cli.verify import verified as verified_steps

    return verified_steps(found.chosen, outputs, as_json=as_json)
