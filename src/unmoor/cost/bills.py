"""The bills of a comparison: for each target, what the spec as it is and each change of it would cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from unmoor.compare import Variant
from unmoor.errors import InputError, UnmoorError
from unmoor.load import Loaded, load
from unmoor.settings import choose

from .comparison import Bill, Comparison
from .offer import offer
from .usage import Usage


def comparison(
    file: Path,
    environment: str | None,
    targets: Sequence[str],
    variants: Sequence[Variant],
    *,
    usage: Usage,
    today: date,
    free_tier: bool,
) -> Comparison:
    """The same use priced on each target for each variant; SpecError where the spec or a variant of it is wrong."""
    loaded = {variant.label: load(file, environment, changes=variant.changes) for variant in variants}
    bills = [
        _bill(loaded, target, variant, usage, today=today, free_tier=free_tier)
        for target in targets
        for variant in variants
        if variant.concerns(target)
    ]
    return Comparison(usage=usage, today=today, free_tier=free_tier, bills=tuple(bills))


def _bill(
    loaded: Mapping[str, Loaded], target: str, variant: Variant, usage: Usage, *, today: date, free_tier: bool
) -> Bill:
    try:
        chosen = choose(loaded[variant.label], target)
        if problems := chosen.problems():
            return Bill(target=target, variant=variant.label, refused=tuple(map(str, problems)))
        made = offer(chosen, today=today, free_tier=free_tier)
        return Bill(target=target, variant=variant.label, offer=made, lines=made.lines(usage))
    except InputError as error:
        return Bill(target=target, variant=variant.label, refused=tuple(map(str, error.problems)))
    except UnmoorError as error:
        return Bill(target=target, variant=variant.label, failed=str(error))
