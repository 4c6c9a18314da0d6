"""`unmoor outputs`, and the rendering of outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from unmoor.cli.render.values import print_json
from unmoor.graph import SECRET
from unmoor.target import Outputs
from unmoor.target.choose import default_target

if TYPE_CHECKING:
    from unmoor.operate.connect import AgentLocation


def run(where: AgentLocation, *, as_json: bool, show_token: bool) -> None:
    """Prints the deployment's outputs; UnmoorError if nothing is deployed."""
    from unmoor.operate.connect import deployed_outputs

    loaded = where.load()
    found = output_values(
        deployed_outputs(loaded, default_target(loaded, where.target), backend=where.backend), show_token=show_token
    )
    if as_json:
        print_json(found)
    else:
        print_lines(found)


def output_values(outputs: Outputs, *, show_token: bool = False) -> dict[str, object]:
    """The outputs by name, without one that is empty; the token is redacted unless `show_token`."""
    return {**outputs.present(), **({} if show_token else {"token": SECRET})}


def print_lines(found: dict[str, object]) -> None:
    for name, value in found.items():
        typer.echo(f"  {name + ':':11} {value}")
