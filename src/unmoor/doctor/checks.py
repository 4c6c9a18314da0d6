"""Everything that is found on this machine, for deploying at all and for one target."""

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
    """What is looked at: this machine, and for one target of an agent as well, of whose spec nothing may be known."""

    target: Target | None = None
    plan: Plan | None = None
    settings: Settings | None = None


def run_checks(patient: DoctorScope) -> Iterator[Finding]:
    """A line for each thing, as soon as it is known."""
    yield python(sys.version_info[:3])
    there = find_pulumi()
    yield from pulumi(there, oldest=OLDEST)
    if patient.target is None:
        return
    wanted = {package: required_version(package) for package in patient.target.packages}
    installed = installed_plugins(there.path)
    yield from plugins(wanted, [*(installed or ()), *plugins_on_path(list(wanted))], readable=installed is not None)
    try:
        yield from patient.target.doctor(patient.plan, patient.settings)
    except UnmoorError as error:
        yield failure(patient.target.name, str(error))
