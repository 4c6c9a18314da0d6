"""What a target makes of each example: the values that its page is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unmoor.errors import Problem
from unmoor.graph import counts
from unmoor.recording.compile import compile_graph
from unmoor.spec.load import load
from unmoor.target import Adjustment, Guarantee, PartMapping
from unmoor.target.choose import SelectedTarget, select_target


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One example in one environment on one target; all but its problems is empty where it is refused."""

    label: str
    problems: Sequence[Problem] = ()
    rounded: Sequence[Adjustment] = ()
    served: Sequence[PartMapping] = ()
    guarantees: Sequence[Guarantee] = ()
    counts: Mapping[str, int]


def cases(target: str, examples: Path) -> list[Case]:
    """Every example as it stands; where that is refused, also in each environment that is accepted."""
    return [case for folder in sorted(p for p in examples.iterdir() if p.is_dir()) for case in _tried(target, folder)]


def _tried(target: str, folder: Path) -> Iterator[Case]:
    plain = select_target(load(folder, None), target)
    first = _case(folder.name, plain)
    yield first
    if not first.problems:
        return
    for environment in plain.loaded.spec.environments:
        case = _case(f"{folder.name} -e {environment}", select_target(load(folder, environment), target))
        if not case.problems:
            yield case


def _case(label: str, chosen: SelectedTarget) -> Case:
    target, plan, settings = chosen.target, chosen.loaded.plan, chosen.settings
    # Problems straight from the target name no file, so the page is the same on every machine.
    if problems := target.check(plan, settings):
        return Case(label=label, problems=problems, counts={})
    return Case(
        label=label,
        rounded=target.adjustments(plan, settings),
        served=target.part_mappings(plan, settings),
        guarantees=target.guarantees(plan, settings),
        counts=counts(compile_graph(chosen)),
    )
