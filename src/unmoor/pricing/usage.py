"""How much an agent is used in a month: stated by flags or a file, measured in a store, or else assumed."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from .units import DAYS_PER_MONTH, HOURS_PER_MONTH

FLAT = (Decimal(1),) * 24
OFFICE = tuple(Decimal(1 if 8 <= hour < 18 else 0) for hour in range(24))
NIGHT = tuple(Decimal(1 if hour < 6 else 0) for hour in range(24))
SHAPES = MappingProxyType({"flat": FLAT, "office": OFFICE, "night": NIGHT})
A_MONTH = MappingProxyType({"month": Decimal(1), "day": DAYS_PER_MONTH, "hour": HOURS_PER_MONTH})
MOST = Decimal(10**12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """A month of 730 hours. Tokens are of one run; `input_tokens` includes cached ones.

    `day` is the distribution of runs over 24 hours. `origins` has the source of each field that is not assumed.
    """

    runs: Decimal = Decimal(200)
    minutes: Decimal = Decimal(10)
    requests: Decimal = Decimal(20)
    start_seconds: Decimal = Decimal(30)
    request_seconds: Decimal = Decimal("0.2")
    other_requests: Decimal = Decimal(0)
    model_calls: Decimal = Decimal(20)
    input_tokens: Decimal = Decimal(300_000)
    cached_tokens: Decimal = Decimal(240_000)
    output_tokens: Decimal = Decimal(10_000)
    artifacts_mib: Decimal = Decimal(5)
    logs_mib: Decimal = Decimal(1)
    egress_mib: Decimal = Decimal(10)
    day: tuple[Decimal, ...] = FLAT
    origins: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    @property
    def run_seconds(self) -> Decimal:
        return self.minutes * 60

    @property
    def all_requests(self) -> Decimal:
        """Requests of the gateway in the month."""
        return self.runs * self.requests + self.other_requests

    @property
    def hourly_load(self) -> tuple[tuple[Decimal, int], ...]:
        """Runs that begin in an hour of the day, and the number of such hours."""
        a_day, weight = self.runs / DAYS_PER_MONTH, sum(self.day)
        return tuple((a_day * hour / weight, count) for hour, count in _count_hours(self.day))

    @property
    def most_at_once(self) -> Decimal:
        """Average concurrent runs in the busiest hour."""
        return max(runs for runs, _ in self.hourly_load) * self.minutes / 60

    def with_overrides(self, values: Mapping[str, Any], origin: str) -> Usage:
        """This usage with some fields replaced, and their origin."""
        return replace(self, **values, origins=tuple({**dict(self.origins), **dict.fromkeys(values, origin)}.items()))

    def with_runs(self, runs: Decimal) -> Usage:
        return replace(self, runs=runs)

    def assumptions(self) -> Iterator[tuple[str, str]]:
        """Each assumption in words, and its origin."""
        origins = dict(self.origins)
        for name, words in WORDS.items():
            yield words.format(number_text(getattr(self, name))), origins.get(name, "assumed")
        shape = next((n for n, hours in SHAPES.items() if hours == self.day), "as measured or given")
        yield f"over the day: {shape}", origins.get("day", "assumed")


@functools.lru_cache(maxsize=64)
def _count_hours(day: tuple[Decimal, ...]) -> tuple[tuple[Decimal, int], ...]:
    return tuple(Counter(day).items())


# What each number is, with {} for it.
WORDS = MappingProxyType(
    {
        "runs": "{} runs a month",
        "minutes": "{} minutes a run",
        "requests": "{} requests of the gateway a run",
        "start_seconds": "{} s for a run's own container to start",
        "request_seconds": "{} s a request",
        "other_requests": "{} further requests of the gateway a month",
        "model_calls": "{} calls of the model a run",
        "input_tokens": "{} tokens in a run",
        "cached_tokens": "{} of them read from the cache",
        "output_tokens": "{} tokens out a run",
        "artifacts_mib": "{} MiB of artifacts and sessions kept of a run",
        "logs_mib": "{} MiB of logs a run",
        "egress_mib": "{} MiB sent out of the platform a run",
    }
)


def number_text(number: Decimal) -> str:
    """A number as people write it: `300,000`, `0.2`."""
    whole = number == number.to_integral_value()
    return f"{int(number):,}" if whole else f"{number.quantize(Decimal('0.001')).normalize():,f}"


def parse_amount(text: object) -> Decimal:
    """A number of at least 0; ValueError names the allowed form."""
    try:
        if isinstance(text, bool):
            raise InvalidOperation
        number = Decimal(str(text))
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number; write one such as 20 or 0.5") from None
    if not number.is_finite() or not 0 <= number <= MOST:
        raise ValueError(f"{text} is not between 0 and {MOST:,}; write one that is")
    return number


def runs_a_month(text: object) -> Decimal:
    """Parses `200/month`, `10/day`, `2/hour` or `200`; ValueError names the allowed forms."""
    match = re.fullmatch(r"\s*([0-9.]+)\s*(?:/\s*(month|day|hour))?\s*", str(text))
    if match is None:
        raise ValueError(f"{text!r} is not a number of runs; write one such as 200/month, 10/day or 2/hour")
    return parse_amount(match[1]) * A_MONTH[match[2] or "month"]


def parse_day_shape(value: object) -> tuple[Decimal, ...]:
    """A day's shape by name, or as 24 numbers; ValueError names the allowed forms."""
    if isinstance(value, str) and value in SHAPES:
        return SHAPES[value]
    hours = tuple(map(parse_amount, value)) if isinstance(value, list | tuple) else ()
    if len(hours) != 24 or not sum(hours):
        raise ValueError(f"is not a day's shape; write {', '.join(SHAPES)}, or a list of 24 numbers, one for each hour")
    return hours
