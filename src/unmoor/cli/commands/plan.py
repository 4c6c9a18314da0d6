"""`unmoor plan`."""

from __future__ import annotations

from pathlib import Path

import typer

from unmoor.cli.render.values import print_json, print_outline
from unmoor.spec.load import load


def run(file: Path, environment: str | None, *, as_json: bool) -> None:
    plan = load(file, environment).plan
    if as_json:
        print_json(plan)
    else:
        typer.echo("\n".join(print_outline(plan)))
