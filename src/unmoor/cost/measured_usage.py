"""Usage measured from run records: number, times, durations and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from unmoor.pricing.units import HOURS_PER_MONTH, SECONDS_PER_HOUR
from unmoor.runtime.self_test_trigger import KIND as SELF_TEST
from unmoor.runtime.state.run_record import RunRecord

WINDOW, LEAST_WINDOW = timedelta(days=30), timedelta(days=1)
MIB = Decimal(1024 * 1024)


def measure_usage(records: Sequence[RunRecord], now: datetime) -> tuple[dict[str, Any], str]:
    """The fields of a Usage measured from the runs of the last 30 days, and a text about the measurement.

    The window starts with the first run and has at least a day, since an agent may be new. Without runs only their
    number is measured.
    """
    # Self-tests are not usage.
    recent = [r for r in records if now - WINDOW <= r.created_at <= now and r.kind != SELF_TEST]
    first = min((r.created_at for r in recent), default=now - WINDOW)
    window = max(now - first, LEAST_WINDOW)
    hours = Decimal(int(window.total_seconds())) / SECONDS_PER_HOUR
    origin = f"measured: {_count_text(len(recent), 'run')} in {_count_text(round(hours / 24), 'day')}"
    values: dict[str, Any] = {"runs": len(recent) * HOURS_PER_MONTH / hours}
    if not recent:
        return values, origin
    values["day"] = tuple(Decimal(sum(r.created_at.hour == hour for r in recent)) for hour in range(24))
    ended = [r for r in recent if r.started_at and r.ended_at]
    if ended:
        values["minutes"] = _mean([run_seconds(r) for r in ended]) / 60
        values["artifacts_mib"] = _mean([Decimal(sum(a.size_bytes for a in r.artifacts)) for r in ended]) / MIB
    metered = [r for r in recent if r.requests]
    if metered:
        values["model_calls"] = _mean([Decimal(r.requests) for r in metered])
        values["input_tokens"] = _mean([Decimal(r.usage.input) for r in metered])
        values["cached_tokens"] = _mean([Decimal(r.usage.cached_input) for r in metered])
        values["output_tokens"] = _mean([Decimal(r.usage.output) for r in metered])
    return values, origin


def run_seconds(record: RunRecord) -> Decimal:
    """A run's duration; zero if it has not started or not ended."""
    if record.started_at is None or record.ended_at is None:
        return Decimal(0)
    return Decimal(str(max((record.ended_at - record.started_at).total_seconds(), 0)))


def _mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, Decimal(0)) / len(values)


def _count_text(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
