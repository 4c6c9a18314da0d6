"""`unmoor doctor`."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import typer

from unmoor.cli.show import print_json
from unmoor.doctor.examine import Patient, findings
from unmoor.doctor.finding import Finding
from unmoor.errors import UnmoorError
from unmoor.files import SPEC_FILE
from unmoor.load import load
from unmoor.registry import load as load_target
from unmoor.settings import choose, target_of

WIDTH = 18
CLI_TOPIC = "Pulumi CLI"


def run(file: Path | None, environment: str | None, target: str, *, as_json: bool, installing: bool) -> int:
    """Prints a line for each thing; 1 where one that is needed is wrong."""
    patient = _patient(file, environment, target)
    found = _shown(patient, as_json=as_json and not installing)
    if installing and (missing := [each for each in found if each.install]):
        _install(missing)
        found = _shown(patient, as_json=as_json)
    elif installing and as_json:
        print_json(found)
    return 1 if any(each.state == "wrong" for each in found) else 0


def _patient(file: Path | None, environment: str | None, target: str) -> Patient:
    """The target that is said, with the spec where there is one; this machine alone where nothing is said."""
    if file is None and not (target and Path(SPEC_FILE).is_file()):
        return Patient(target=load_target(target) if target else None)
    loaded = load(file or Path(), environment)
    if file is None and target not in loaded.settings:
        return Patient(target=load_target(target))
    chosen = choose(loaded, target_of(loaded, target))
    return Patient(target=chosen.target, plan=loaded.plan, settings=chosen.settings)


def _shown(patient: Patient, *, as_json: bool) -> list[Finding]:
    found: list[Finding] = []
    for each in findings(patient):
        found.append(each)
        if not as_json:
            typer.echo(f"{each.state:<6} {each.topic:<{WIDTH}} {each}")
    if as_json:
        print_json(found)
    return found


def _install(missing: Sequence[Finding]) -> None:
    """Runs what is Pulumi's own to install, saying what."""
    if any(each.topic == CLI_TOPIC for each in missing):
        from unmoor.stacks.workspace import install_cli

        path = install_cli(lambda line: typer.echo(line, err=True))
        typer.echo(f"installed {path}", err=True)
    for each in missing:
        if each.topic != CLI_TOPIC:
            typer.echo(f"runs {' '.join(each.install)}", err=True)
            if subprocess.run(each.install, stdin=subprocess.DEVNULL).returncode:
                raise UnmoorError(f"{' '.join(each.install)}: failed")
