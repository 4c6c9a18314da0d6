"""`unmoor doctor`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from unmoor.cli.inputs.requirements import require_pulumi
from unmoor.cli.render.event_lines import printable_lines
from unmoor.cli.render.values import print_json, print_status
from unmoor.doctor.checks import DoctorScope, run_checks
from unmoor.errors import UnmoorError
from unmoor.findings import Finding, line_of
from unmoor.local_folders import SPEC_FILE
from unmoor.spec.load import load
from unmoor.target.choose import default_target, select_target
from unmoor.target.registry import load as load_target

WIDTH = 18
CLI_TOPIC = "Pulumi CLI"


def run(file: Path | None, environment: str | None, target: str, *, as_json: bool, installing: bool) -> int:
    """Prints a line for each check; 1 if one failed."""
    scope = _scope(file, environment, target)
    if installing and (missing := [each for each in run_checks(scope) if each.install]):
        _install(missing)
    found = _print_findings(scope, as_json=as_json)
    return 1 if any(each.state == "wrong" for each in found) else 0


def _scope(file: Path | None, environment: str | None, target: str) -> DoctorScope:
    """The target and its spec, as far as given; otherwise this machine alone."""
    if file is None and not (target and Path(SPEC_FILE).is_file()):
        return DoctorScope(target=load_target(target) if target else None)
    loaded = load(file or Path(), environment)
    if file is None and target not in loaded.settings:
        return DoctorScope(target=load_target(target))
    chosen = select_target(loaded, default_target(loaded, target))
    return DoctorScope(target=chosen.target, plan=loaded.plan, settings=chosen.settings)


def _print_findings(scope: DoctorScope, *, as_json: bool) -> list[Finding]:
    found: list[Finding] = []
    for each in run_checks(scope):
        found.append(each)
        if not as_json:
            typer.echo(printable_lines(line_of(each, width=WIDTH)))
    if as_json:
        print_json(found)
    return found


def _install(missing: Sequence[Finding]) -> None:
    """Runs Pulumi's installers, printing each command."""
    environment = dict(os.environ)
    if any(each.topic == CLI_TOPIC for each in missing):
        require_pulumi()
        from unmoor.stacks.pulumi_cli import install_cli

        path = Path(install_cli(print_status))
        print_status(f"installed {path}")
        # The user still has to add it to PATH; a finding below says so.
        environment["PATH"] = os.pathsep.join([str(path.parent), environment.get("PATH", "")])
    for each in missing:
        if each.topic != CLI_TOPIC:
            print_status(f"runs {' '.join(each.install)}")
            _run(each.install, environment)


def _run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    program = shutil.which(command[0], path=environment.get("PATH"))
    if program is None:
        raise UnmoorError(f"{command[0]} is not on PATH; unmoor doctor lists what is missing")
    done = subprocess.run([program, *command[1:]], stdin=subprocess.DEVNULL, stdout=sys.stderr, env=environment)
    if done.returncode:
        raise UnmoorError(f"{' '.join(command)} failed, with exit code {done.returncode}")
