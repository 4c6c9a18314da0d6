"""`unmoor secrets`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import typer

from unmoor.errors import Problem, SpecError, UnmoorError
from unmoor.plan import Secret
from unmoor.spec.load import Loaded, load
from unmoor.stacks.config import missing_secret_problems
from unmoor.stacks.stack_location import StackLocation, stack_location
from unmoor.stacks.workspace import StackWorkspace
from unmoor.target.choose import default_target


def list_secrets(file: Path, environment: str | None, target: str, backend: str, *, as_json: bool) -> int:
    """Prints each secret's source, holders and whether it has a value; 1 if one has none."""
    loaded = load(file, environment)
    lacking = {p.path.removeprefix("secrets.") for p in missing_secret_problems(loaded.plan, folder=loaded.file.parent)}
    keys = _keys(loaded, target, backend)
    rows = [_row(secret, lacking, keys) for secret in sorted(loaded.plan.secrets, key=lambda s: s.name)]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for line in _lines(rows):
            typer.echo(line)
    return 1 if any(row["has_value"] is False for row in rows) else 0


def set_secret(file: Path, environment: str | None, target: str, backend: str, key: str) -> None:
    """Sets a secret of the stack's config from a prompt or standard input; never prints it."""
    loaded = load(file, environment)
    known = {s.reference for s in loaded.plan.secrets if s.source == "config"}
    if key not in known:
        rule = f"the spec has no secret {{config: {key}}}"
        remedy = f"write one of {', '.join(sorted(known))}" if known else "give one a config key, or set it where it is"
        raise SpecError(loaded.with_positions([Problem(path="secrets", rule=rule, remedy=remedy)]))
    place = _place(loaded, target, backend)
    value = _prompt(key) if sys.stdin.isatty() else sys.stdin.read().removesuffix("\n")
    if not value:
        raise UnmoorError(f"{key}: no value; type one, or pass it on standard input")
    StackWorkspace(place=place).set_secret(key, value)
    typer.echo(f"{key} is set for {place.stack}; unmoor up deploys it")


def _prompt(key: str) -> str:
    return typer.prompt(f"Value of {key}", hide_input=True, default="", show_default=False, err=True)


def _place(loaded: Loaded, target: str, backend: str) -> StackLocation:
    return stack_location(loaded.plan.agent, loaded.plan.environment, default_target(loaded, target), backend=backend)


def _keys(loaded: Loaded, target: str, backend: str) -> frozenset[str] | None:
    """The keys in the stack's config; None if the spec needs none, so that Pulumi is not needed."""
    if not any(s.source == "config" for s in loaded.plan.secrets):
        return None
    return StackWorkspace(place=_place(loaded, target, backend)).config_keys()


def _row(secret: Secret, lacking: set[str], keys: frozenset[str] | None) -> dict[str, object]:
    """A table row; `has_value` is None for a secret in the target's own store, which is not queried."""
    has: bool | None = secret.name not in lacking
    if secret.source == "existing":
        has = None
    elif secret.source == "config":
        has = secret.reference in (keys or ())
    return {"name": secret.name, "from": secret.source_label, "held_by": list(secret.holders), "has_value": has}


def _lines(rows: list[dict[str, object]]) -> Iterator[str]:
    status = {True: "has a value", False: "HAS NO VALUE", None: "in the target's secret store"}
    for row in rows:
        holders = ", ".join(map(str, row["held_by"]))  # type: ignore[arg-type]
        yield f"{row['name']:24} {row['from']:28} {holders:16} {status[row['has_value']]}"  # type: ignore[index]
