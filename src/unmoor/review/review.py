"""The effects of a spec change on each target, as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from unmoor.compare import UNCHANGED
from unmoor.cost.compare_targets import compare_bills
from unmoor.cost.comparison import Bill
from unmoor.deploy.preview import Changes
from unmoor.errors import InputError, SpecError
from unmoor.pricing.usage import Usage
from unmoor.spec.load import Loaded, load
from unmoor.target.choose import select_target


@dataclass(frozen=True, slots=True, kw_only=True)
class GuaranteeChange:
    """A target's guarantee on a topic before and after; empty if it has none."""

    topic: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetReview:
    """One target: its preview, or why it failed; its bills; the guarantees that change."""

    target: str
    changes: Changes | None = None
    preview_error: str = ""
    before: Bill | None = None
    after: Bill | None = None
    guarantees: tuple[GuaranteeChange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """All targets of one agent in one environment; the bills are for `usage`."""

    agent: str
    environment: str
    usage: Usage
    targets: tuple[TargetReview, ...]


def build_review(
    after: Loaded,
    before: Loaded | None,
    targets: Sequence[str],
    previews: Mapping[str, Changes | str],
    *,
    usage: Usage,
    today: date,
) -> Review:
    """The review of these targets; a text in `previews` is the reason why a preview failed."""
    bills_after, bills_before = (
        _bills(loaded, targets, usage, today) if loaded is not None else {} for loaded in (after, before)
    )
    return Review(
        agent=after.plan.agent,
        environment=after.plan.environment,
        usage=usage,
        targets=tuple(
            TargetReview(
                target=name,
                changes=found if isinstance(found := previews.get(name), Changes) else None,
                preview_error=found if isinstance(found, str) else "",
                before=bills_before.get(name),
                after=bills_after.get(name),
                guarantees=tuple(_guarantee_changes(before, after, name)) if before is not None else (),
            )
            for name in targets
        ),
    )


def load_base_spec(file: Path, environment: str | None) -> Loaded | None:
    """The spec before the change; None if it does not exist or is invalid."""
    if not (file / "unmoor.yaml" if file.is_dir() else file).is_file():
        return None
    try:
        return load(file, environment)
    except SpecError:
        return None


def _bills(loaded: Loaded, targets: Sequence[str], usage: Usage, today: date) -> dict[str, Bill]:
    found = compare_bills(loaded, targets, [UNCHANGED], usage=usage, today=today, free_tier=True)
    return {bill.target: bill for bill in found.bills}


def _guarantee_changes(before: Loaded, after: Loaded, target: str) -> list[GuaranteeChange]:
    old, new = _guarantees(before, target), _guarantees(after, target)
    topics = [*old, *(topic for topic in new if topic not in old)]
    both = [GuaranteeChange(topic=t, before=old.get(t, ""), after=new.get(t, "")) for t in topics]
    return [promise for promise in both if promise.before != promise.after]


def _guarantees(loaded: Loaded, target: str) -> dict[str, str]:
    """The target's guarantees by topic; none if it refuses the plan, as its bill then shows."""
    try:
        chosen = select_target(loaded, target).require_accepted()
    except InputError:
        return {}
    return {g.topic: f"{g.strength}: {g.by}" for g in chosen.target.guarantees(loaded.plan, chosen.settings)}
