"""The comparison of targets for one spec. Each target compiles in its own process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .errors import InputError, UnmoorError
from .target import PARTS


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """A changed spec to compare: the spec paths with their values, and a label."""

    label: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def applies_to(self, target: str) -> bool:
        """Whether the change can matter to the target; settings of other targets cannot."""
        own = [path.split(".")[1] for path in self.changes if path.startswith("targets.")]
        return len(own) < len(self.changes) or not own or target in own


UNCHANGED = WhatIf()


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetColumn:
    """One target's column: refusals, adjustments, what serves each part, limits, guarantees, and counts by kind.

    `variant` is the label of the changed spec, or empty. `failed` is the error of a target that does not load. If the
    plan is refused, the parts, guarantees and counts are empty.
    """

    target: str
    variant: str = ""
    failed: str = ""
    refused: tuple[str, ...] = ()
    rounded: tuple[str, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()
    limits: tuple[tuple[str, str], ...] = ()
    guarantees: tuple[tuple[str, str, str], ...] = ()
    counts: tuple[tuple[str, int], ...] = ()

    @property
    def title(self) -> str:
        return f"{self.target}, {self.variant}" if self.variant else self.target

    @property
    def total(self) -> int:
        return sum(count for _, count in self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the table: one text for each target."""

    section: str
    title: str
    cells: tuple[str, ...]


def compare(
    file: Path, environment: str | None, targets: Sequence[str], variants: Sequence[WhatIf] = (UNCHANGED,)
) -> tuple[TargetColumn, ...]:
    """A column for each target and variant, in the given order; SpecError if the spec is wrong."""
    with compare_in_background(file, environment, targets, variants) as columns:
        return columns()


@contextmanager
def compare_in_background(
    file: Path, environment: str | None, targets: Sequence[str], variants: Sequence[WhatIf]
) -> Iterator[Callable[[], tuple[TargetColumn, ...]]]:
    """The same in the background: the yielded function waits for the columns."""
    if len(targets) == 1:
        yield lambda: _columns(file, environment, targets[0], variants)
        return
    workers = min(len(targets), os.cpu_count() or 1)
    with ProcessPoolExecutor(max_workers=workers) as pool:
        jobs = [pool.submit(_columns, file, environment, target, variants) for target in targets]
        yield lambda: tuple(column for job in jobs for column in job.result())


def _columns(file: Path, environment: str | None, target: str, variants: Sequence[WhatIf]) -> tuple[TargetColumn, ...]:
    """A target's columns; this imports only that target's SDK."""
    return tuple(
        replace(compare_target(file, environment, target, variant.changes), variant=variant.label)
        for variant in variants
        if variant.applies_to(target)
    )


def compare_target(
    file: Path, environment: str | None, name: str, changes: Mapping[str, Any] | None = None
) -> TargetColumn:
    """The column of one target for the spec with changed values."""
    from unmoor.spec.load import DEFAULT_ENVIRONMENT, load
    from unmoor.target.choose import select_target

    # Changes are validated in one environment, not in every declared one.
    loaded = load(file, environment or (DEFAULT_ENVIRONMENT if changes else None), changes=changes)
    try:
        chosen = select_target(loaded, name)
    except InputError as error:
        return TargetColumn(target=name, refused=tuple(map(str, error.problems)))
    except UnmoorError as error:
        return TargetColumn(target=name, failed=str(error))
    target, plan, settings = chosen.target, loaded.plan, chosen.settings
    limits = tuple((limit.topic, limit.value) for limit in target.limits)
    if problems := chosen.problems():
        return TargetColumn(target=name, refused=tuple(map(str, problems)), limits=limits)
    try:
        counts = _counts(chosen)
    except UnmoorError as error:
        return TargetColumn(target=name, failed=str(error), limits=limits)
    return TargetColumn(
        target=name,
        rounded=tuple(str(r) for r in target.adjustments(plan, settings)),
        parts=tuple((s.part, s.by) for s in target.part_mappings(plan, settings)),
        limits=limits,
        guarantees=tuple((g.topic, g.strength, g.by) for g in target.guarantees(plan, settings)),
        counts=tuple(counts.items()),
    )


def table_rows(columns: Sequence[TargetColumn]) -> list[Row]:
    """The comparison as rows; a topic that a target does not have is a dash."""
    return [
        Row(section="plan", title="accepted", cells=tuple(_verdict(c) for c in columns)),
        Row(section="plan", title="adjusted", cells=tuple(_lines(c.rounded) for c in columns)),
        *(_row("parts", part, [dict(c.parts) for c in columns]) for part in PARTS),
        *(_row("limits", topic, [dict(c.limits) for c in columns]) for topic in _topics(c.limits for c in columns)),
        *(
            _row("guarantees", topic, [{t: f"{s}: {by}" for t, s, by in c.guarantees} for c in columns])
            for topic in _topics([(t, "") for t, _, _ in c.guarantees] for c in columns)
        ),
        Row(section="resources", title="total", cells=tuple(str(c.total) if c.counts else "-" for c in columns)),
    ]


def _row(section: str, title: str, cells: Sequence[dict[str, str]]) -> Row:
    return Row(section=section, title=title, cells=tuple(c.get(title, "-") for c in cells))


def _topics(lists: object) -> list[str]:
    return list(dict.fromkeys(topic for pairs in lists for topic, _ in pairs))  # type: ignore[attr-defined]


def _verdict(column: TargetColumn) -> str:
    if column.failed:
        return f"not compiled: {column.failed}"
    return f"refused: {_lines(column.refused)}" if column.refused else "yes"


def _lines(texts: Sequence[str]) -> str:
    return "\n".join(texts) or "-"


def _counts(chosen: object) -> dict[str, int]:
    from unmoor.recording.compile import compile_graph

    from .graph import counts

    return counts(compile_graph(chosen))  # type: ignore[arg-type]
