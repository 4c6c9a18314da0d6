"""`unmoor rights`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from unmoor.errors import UnmoorError
from unmoor.recording.compile import compile_graph
from unmoor.spec.load import load
from unmoor.target.choose import default_target, select_target


def run(file: Path, environment: str | None, target: str, sets: Mapping[str, Any]) -> None:
    """Prints the IAM policy or role that the deploying user needs, in the platform's own format."""
    loaded = load(file, environment, changes=sets)
    chosen = select_target(loaded, default_target(loaded, target))
    if not chosen.target.deployer_policy_by:
        raise UnmoorError(f"target {chosen.target.name} does not define a deployer policy")
    resources = compile_graph(chosen)
    found = chosen.target.deployer_policy(loaded.plan, chosen.settings, resources)
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
