"""A preview: the changes in each part of the agent, its replacements, and the data at risk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from unmoor.deploy.agent_parts import ORDER, holds_data, part_of
from unmoor.deploy.engine_events import NOTHING, Op, ResourceStep
from unmoor.target import PartMapping

# The two halves of a replacement are one change.
HALVES = ("create-replacement", "delete-replaced")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartChange:
    """One changed resource and the part that it belongs to."""

    part: str
    step: ResourceStep

    @property
    def op(self) -> Op:
        return self.step.op


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """A resource whose data would be lost: it is deleted, or replaced by an empty one."""

    step: ResourceStep
    deletes_data: bool

    def __str__(self) -> str:
        if self.deletes_data:
            return f"{self.step.kind} {self.step.name} is deleted with its data"
        return f"{self.step.kind} {self.step.name} is replaced by an empty one; the data stays in the old one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Every change of a preview, by part, and every risk."""

    agent: str
    changes: tuple[PartChange, ...]
    risks: tuple[Risk, ...]
    kept: tuple[ResourceStep, ...]
    same: int

    def by_part(self) -> dict[str, list[PartChange]]:
        """The changes of each part that has some, in the parts' order."""
        found = {part: [c for c in self.changes if c.part == part] for part in ORDER}
        return {part: changes for part, changes in found.items() if changes}

    def including_data_loss(self) -> Changes:
        """The same changes if retained data is deleted too."""
        lost = tuple(replace(step, op="delete", retained=False) for step in self.kept)
        changes = (*self.changes, *(PartChange(part="store", step=step) for step in lost))
        risks = (*self.risks, *(Risk(step=step, deletes_data=True) for step in lost))
        return replace(self, changes=changes, risks=risks, kept=())

    @property
    def data_losses(self) -> tuple[Risk, ...]:
        return tuple(r for r in self.risks if r.deletes_data)


def changes_of(agent: str, steps: Iterable[ResourceStep], serving: Sequence[PartMapping]) -> Changes:
    whole = list(_merge_halves(steps))
    changes = tuple(
        PartChange(part=part_of(agent, s.type, s.name, serving), step=s)
        for s in whole
        if s.op not in (*NOTHING, "keep")
    )
    return Changes(
        agent=agent,
        changes=tuple(sorted(changes, key=lambda c: (c.step.name, c.step.type))),
        risks=tuple(_risks(agent, whole, serving)),
        kept=tuple(s for s in whole if s.op == "keep"),
        same=sum(s.op == "same" for s in whole),
    )


def _merge_halves(steps: Iterable[ResourceStep]) -> Iterator[ResourceStep]:
    """One step for each resource: a replacement's halves stand for it if the engine does not report it."""
    planned = [s for s in steps if s.phase in ("planned", "started")]
    replaced = {s.key for s in planned if s.op == "replace"}
    retained = {s.key for s in planned if s.op == "keep"}
    for step in planned:
        if step.op == "keep" and step.key in replaced:
            continue
        if step.op not in HALVES:
            was_kept = step.op == "replace" and step.key in retained
            yield replace(step, retained=True) if was_kept else step
        elif step.key not in replaced and step.op == "create-replacement":
            yield replace(step, op="replace")


def _risks(agent: str, steps: Iterable[ResourceStep], serving: Sequence[PartMapping]) -> Iterator[Risk]:
    for step in steps:
        if step.op in ("delete", "replace") and (step.retained or holds_data(agent, step.type, step.name, serving)):
            yield Risk(step=step, deletes_data=not step.retained)
