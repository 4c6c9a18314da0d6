"""All checks of this machine, in general and for one target."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from unmoor.errors import UnmoorError
from unmoor.findings import Finding, failure
from unmoor.plan import Plan
from unmoor.stacks.versions import OLDEST
from unmoor.target import Settings, Target

from .probes import find_pulumi, installed_plugins, plugins_on_path, required_version
from .tools import plugins, pulumi, python


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorScope:
    """What to check: this machine, and optionally one target, with its plan and settings if known."""

    target: Target | None = None
    plan: Plan | None = None
    settings: Settings | None = None


def run_checks(scope: DoctorScope) -> Iterator[Finding]:
    """Yields each finding as soon as it is known."""
    yield python(sys.version_info[:3])
    cli = find_pulumi()
    yield from pulumi(cli, oldest=OLDEST)
    if scope.target is None:
        return
    required = {package: required_version(package) for package in scope.target.packages}
    installed = installed_plugins(cli.path)
    yield from plugins(required, [*(installed or ()), *plugins_on_path(list(required))], readable=installed is not None)
    try:
        yield from scope.target.doctor(scope.plan, scope.settings)
    except UnmoorError as error:
        yield failure(scope.target.name, str(error))
