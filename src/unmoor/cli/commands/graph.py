"""`unmoor graph`."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from unmoor.graph import as_json, as_sorted_text, mermaid, tree
from unmoor.recording.compile import compile_graph
from unmoor.spec.load import load
from unmoor.target.choose import select_target


def run(file: Path, environment: str | None, target: str, *, form: str) -> None:
    """Prints the graph as tree, json, mermaid, svg or text."""
    loaded = load(file, environment)
    resources = compile_graph(select_target(loaded, target))
    if form == "json":
        typer.echo(json.dumps(as_json(resources), indent=2, ensure_ascii=False))
    elif form == "svg":
        from unmoor.graph.svg import svg

        typer.echo(svg(resources, title=f"{loaded.plan.agent} on {target}"))
    else:
        render = {"tree": tree, "mermaid": mermaid, "text": as_sorted_text}[form]
        typer.echo(render(resources).rstrip("\n"))
