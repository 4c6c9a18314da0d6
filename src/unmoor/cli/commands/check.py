"""`unmoor check`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer

from unmoor.cli.render.values import print_json
from unmoor.errors import InputError, Problem, SpecError
from unmoor.prices.retirements import retirement_notice
from unmoor.spec.load import Loaded, load
from unmoor.spec.rules import unverified_webhooks
from unmoor.target.choose import SelectedTarget, select_target, unknown_targets
from unmoor.target.registry import names


def run(file: Path, environment: str | None, targets: Sequence[str], *, as_json: bool) -> int:
    """Prints all problems; 2 if the spec is invalid or a target named by -t refuses it, else 0."""
    loaded = load(file, environment)
    if unknown := unknown_targets(loaded):
        raise SpecError(unknown)
    selected = list(targets) or [name for name in loaded.settings if name in names()]
    verdicts = {name: _verdict(loaded, name) for name in selected}
    refused = [problem for _, problems in verdicts.values() for problem in problems]
    if as_json:
        print_json(_as_values(loaded, verdicts))
    else:
        _print(loaded, verdicts, environment)
    wrong_settings = any(chosen is None for chosen, _ in verdicts.values())
    return 2 if (refused and targets) or wrong_settings else 0


def _verdict(loaded: Loaded, name: str) -> tuple[SelectedTarget | None, Sequence[Problem]]:
    try:
        chosen = select_target(loaded, name)
    except InputError as error:
        return None, error.problems
    return chosen, chosen.problems()


def _print(
    loaded: Loaded, verdicts: dict[str, tuple[SelectedTarget | None, Sequence[Problem]]], environment: str | None
) -> None:
    where = f" in {environment}" if environment else ""
    typer.echo(f"{loaded.file}: {loaded.spec.name}{where} is valid")
    for name in unverified_webhooks(loaded.spec):
        typer.echo(f"  note: anybody can start a run through webhook {name}, because of verify: none")
    if notice := _retirement(loaded):
        typer.echo(f"  note: {notice}")
    for name, (chosen, problems) in verdicts.items():
        if problems:
            typer.echo(f"{name}: refused")
            for problem in problems:
                typer.echo(f"  {problem}", err=False)
            continue
        assert chosen is not None
        adjustments = chosen.target.adjustments(loaded.plan, chosen.settings)
        typer.echo(f"{name}: accepted" + (f", {len(adjustments)} adjusted" if adjustments else ""))
        for adjustment in adjustments:
            typer.echo(f"  {adjustment}")


def _retirement(loaded: Loaded) -> str:
    model = loaded.plan.model
    return retirement_notice(model.provider, model.name, today=datetime.now(UTC).date()) if model else ""


def _as_values(
    loaded: Loaded, verdicts: dict[str, tuple[SelectedTarget | None, Sequence[Problem]]]
) -> dict[str, object]:
    return {
        "file": str(loaded.file),
        "agent": loaded.plan.agent,
        "environment": loaded.plan.environment,
        "notes": [notice] if (notice := _retirement(loaded)) else [],
        "targets": {
            name: {
                "accepted": not problems,
                "problems": list(problems),
                "rounded": chosen.target.adjustments(loaded.plan, chosen.settings) if chosen and not problems else [],
            }
            for name, (chosen, problems) in verdicts.items()
        },
    }
