"""The actual cost of runs: metered tokens, and seconds at a target's prices."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from unmoor.pricing.line import Total, total
from unmoor.pricing.usage import Usage
from unmoor.runtime.events import Tokens
from unmoor.runtime.state.run_record import RunRecord

from .measured_usage import run_seconds
from .own_share import NO_SHARE, OwnShare, own_share
from .quote import Quote

By = Literal["trigger", "day", "model", "session"]
KEYS: dict[By, Callable[[RunRecord], str]] = {
    "trigger": lambda record: record.trigger or record.kind,
    "day": lambda record: record.created_at.date().isoformat(),
    "model": lambda record: f"{record.provider} {record.model}" if record.model else "",
    "session": lambda record: record.session,
}
NO_TOKENS = Tokens()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendGroup:
    """A group of runs by a common key: their number, usage and cost."""

    key: str
    runs: int
    seconds: Decimal
    tokens: Tokens
    model: Total
    compute: Total

    @property
    def total(self) -> Total:
        return self.model + self.compute


def group_spend(records: Sequence[RunRecord], by: By, compute: Callable[[Decimal], Total]) -> tuple[SpendGroup, ...]:
    """The groups sorted by key; `compute` prices the seconds of one run."""
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        groups.setdefault(KEYS[by](record), []).append(record)
    return tuple(_spend_group(key, groups[key], compute) for key in sorted(groups))


def total_spend(records: Sequence[RunRecord], compute: Callable[[Decimal], Total]) -> SpendGroup:
    return _spend_group("all", records, compute)


def compute_pricer(offer: Quote) -> Callable[[Decimal], Total]:
    """A function from a run's seconds to the cost of its container and its guard's."""

    @lru_cache(maxsize=4096)
    def whole(seconds: int) -> Total:
        lines = (line for line in offer.lines(_usage_of(seconds)) if line.part in ("run", "guard"))
        return total(lines, "runs")

    return lambda seconds: whole(math.ceil(seconds)) if seconds else Total()


def share_pricer(offer: Quote) -> Callable[[Decimal], OwnShare]:
    """A function from a run's seconds to the cost of its guard and of its bare compute; gateway and store are a
    month's, so they are left out."""

    @lru_cache(maxsize=4096)
    def whole(seconds: int) -> OwnShare:
        usage = _usage_of(seconds)
        lines = [line for line in offer.lines(usage) if line.part in ("run", "guard")]
        return own_share(offer.plan, usage, lines) or NO_SHARE

    return lambda seconds: whole(math.ceil(seconds)) if seconds else NO_SHARE


def total_share(records: Sequence[RunRecord], share: Callable[[Decimal], OwnShare]) -> OwnShare:
    return sum(map(share, map(run_seconds, records)), NO_SHARE)


def _usage_of(seconds: int) -> Usage:
    return Usage(runs=Decimal(1), minutes=Decimal(seconds) / 60, start_seconds=Decimal(0), requests=Decimal(0))


def _spend_group(key: str, records: Sequence[RunRecord], compute: Callable[[Decimal], Total]) -> SpendGroup:
    seconds = [run_seconds(record) for record in records]
    return SpendGroup(
        key=key,
        runs=len(records),
        seconds=sum(seconds, Decimal(0)),
        tokens=sum((record.usage for record in records), NO_TOKENS),
        model=_sum(map(_of_model, records)),
        compute=_sum(map(compute, seconds)),
    )


def _of_model(record: RunRecord) -> Total:
    """The model cost that the guard metered; empty without model calls."""
    if record.cost_usd is not None:
        return Total(known=record.cost_usd)
    has_model_calls = record.requests or record.usage != NO_TOKENS
    return Total(missing=(f"no price was known of {record.provider} {record.model}",)) if has_model_calls else Total()


def _sum(totals: Iterable[Total]) -> Total:
    return sum(totals, Total())
