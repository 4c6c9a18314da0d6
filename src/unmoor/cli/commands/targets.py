"""`unmoor targets`."""

from __future__ import annotations

import typer

from unmoor.cli.render.values import print_json
from unmoor.errors import UnmoorError
from unmoor.target.registry import distribution, load, names


def run(*, as_json: bool) -> None:
    """Lists every installed target; a broken one is listed with its problem."""
    found = [_describe(name) for name in names()]
    if as_json:
        print_json(found)
        return
    width = max((len(f["name"]) for f in found), default=0)
    for one in found:
        typer.echo(f"{one['name']:<{width}}  {one['summary'] or one['problem']}  ({one['distribution']})")


def _describe(name: str) -> dict[str, str]:
    try:
        return {"name": name, "summary": load(name).summary, "distribution": distribution(name), "problem": ""}
    except UnmoorError as error:
        return {"name": name, "summary": "", "distribution": _distribution_label(name), "problem": str(error)}


def _distribution_label(name: str) -> str:
    try:
        return distribution(name)
    except UnmoorError:
        return "several distributions"
