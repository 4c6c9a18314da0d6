"""The bills of a comparison, for each target and variant of the spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from unmoor.compare import WhatIf
from unmoor.errors import InputError, SpecError, UnmoorError
from unmoor.pricing.usage import Usage
from unmoor.spec.load import Loaded, load
from unmoor.target.choose import select_target

from .comparison import Bill, Comparison
from .quote import quote


def compare_bills(
    loaded_spec: Loaded,
    targets: Sequence[str],
    variants: Sequence[WhatIf],
    *,
    usage: Usage,
    today: date,
    free_tier: bool,
) -> Comparison:
    """The same usage priced on each target for each variant of the spec; SpecError if a variant is invalid."""
    loaded = {variant.label: _apply(loaded_spec, variant) for variant in variants}
    bills = [
        _bill(loaded, target, variant, usage, today=today, free_tier=free_tier)
        for target in targets
        for variant in variants
        if variant.applies_to(target)
    ]
    return Comparison(usage=usage, today=today, free_tier=free_tier, bills=tuple(bills))


def _apply(loaded_spec: Loaded, variant: WhatIf) -> Loaded:
    if not variant.changes:
        return loaded_spec
    try:
        return load(loaded_spec.file, loaded_spec.plan.environment, changes=variant.changes)
    except SpecError as error:
        where = f"--what-if {variant.label}"
        raise SpecError(replace(p, file=where, line=0, column=0) for p in error.problems) from None


def _bill(
    loaded: Mapping[str, Loaded], target: str, variant: WhatIf, usage: Usage, *, today: date, free_tier: bool
) -> Bill:
    try:
        chosen = select_target(loaded[variant.label], target)
        if problems := chosen.problems():
            return Bill(target=target, variant=variant.label, refused=tuple(map(str, problems)))
        priced = quote(chosen, today=today, free_tier=free_tier)
        return Bill(target=target, variant=variant.label, offer=priced, lines=priced.lines(usage))
    except InputError as error:
        return Bill(target=target, variant=variant.label, refused=tuple(map(str, error.problems)))
    except UnmoorError as error:
        return Bill(target=target, variant=variant.label, failed=str(error))
