"""The usage that a command's options describe: from a file or a store, overridden by single options."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from unmoor.cost.usage_file import read_usage
from unmoor.pricing.usage import Usage, parse_amount, parse_day_shape, runs_a_month


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageOptions:
    """The usage options: a file, a store, and texts by Usage field, None if absent."""

    file: Path | None = None
    store: str = ""
    values: Mapping[str, str | None]

    @property
    def is_empty(self) -> bool:
        return self.file is None and not self.store and not any(self.values.values())


OPTIONS = {
    "runs": "--runs",
    "minutes": "--minutes",
    "requests": "--requests",
    "input_tokens": "--tokens-in",
    "cached_tokens": "--tokens-cached",
    "output_tokens": "--tokens-out",
    "artifacts_mib": "--artifacts",
    "logs_mib": "--logs",
    "egress_mib": "--egress",
    "day": "--day",
}


def resolve_usage(options: UsageOptions) -> Usage:
    """The usage, with assumptions for everything not given."""
    usage = Usage()
    if options.store:
        values, origin = _measure(options.store)
        usage = usage.with_overrides(values, origin)
    if options.file is not None:
        usage = usage.with_overrides(read_usage(options.file), str(options.file))
    for field, text in options.values.items():
        if text is not None:
            usage = usage.with_overrides({field: _read(field, text)}, OPTIONS[field])
    return _check_cached_tokens(usage)


def _read(field: str, text: str) -> Any:
    try:
        if field == "day":
            return parse_day_shape([part.strip() for part in text.split(",")] if "," in text else text)
        return runs_a_month(text) if field == "runs" else parse_amount(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=OPTIONS[field]) from None


def _check_cached_tokens(usage: Usage) -> Usage:
    """Caps assumed cached tokens at four fifths of the input tokens; explicit ones must not exceed them."""
    if usage.cached_tokens <= usage.input_tokens:
        return usage
    if "cached_tokens" in dict(usage.origins):
        rule = f"{usage.cached_tokens} are more than all {usage.input_tokens} tokens in; lower it, or raise --tokens-in"
        raise typer.BadParameter(rule, param_hint="--tokens-cached")
    return usage.with_overrides({"cached_tokens": usage.input_tokens * 4 / 5}, "four fifths of the tokens in")


def _measure(url: str) -> tuple[dict[str, Any], str]:
    from unmoor.cli.inputs.requirements import require_runtime

    require_runtime("--from-runs")
    from unmoor.cost.measured_usage import WINDOW, measure_usage
    from unmoor.cost.run_records import runs_since
    from unmoor.runtime.store import open_store

    now = datetime.now(UTC)
    found = asyncio.run(runs_since(open_store(url), now - WINDOW))
    return measure_usage(found.records, now)
