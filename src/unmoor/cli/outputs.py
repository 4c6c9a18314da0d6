"""`unmoor outputs`."""

from __future__ import annotations

import dataclasses
import json

import typer

from unmoor.cli.up import say_outputs
from unmoor.graph import SECRET
from unmoor.settings import target_of
from unmoor.stacks.deployment import Asked
from unmoor.stacks.place import place_of
from unmoor.stacks.workspace import outputs_of


def run(asked: Asked, *, as_json: bool, show_token: bool) -> None:
    """Prints what the deployed agent is reached by; UnmoorError where nothing is deployed."""
    from unmoor.load import load

    loaded = load(asked.file, asked.environment)
    plan, name = loaded.plan, target_of(loaded, asked.target)
    outputs = outputs_of(place_of(plan.agent, plan.environment, name, backend=asked.backend))
    if as_json:
        shown = {**dataclasses.asdict(outputs), **({} if show_token else {"token": SECRET})}
        typer.echo(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        say_outputs(outputs, as_json=False, show_token=show_token)
