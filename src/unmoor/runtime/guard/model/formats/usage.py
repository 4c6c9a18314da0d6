"""A response's reported usage, and reading it from JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from unmoor.runtime.events import Tokens
from unmoor.runtime.json_values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedUsage:
    """What a response has reported so far.

    `tokens` is the provider's count, None until it reports one, and final if `whole`. `long_cache_write` tokens of its
    cache_write are stored for an hour, which costs more. `searches` are the provider's web searches. `terms` decide the
    price too, such as (("service_tier", "priority"),). `text_bytes` is the size of text, reasoning and tool input, for
    an estimate if nothing is reported. `failed`: the response reports an error.
    """

    tokens: Tokens | None = None
    whole: bool = False
    long_cache_write: int = 0
    searches: int = 0
    terms: tuple[tuple[str, str], ...] = ()
    text_bytes: int = 0
    failed: bool = False


def text_size(*values: Any) -> int:
    """The size in bytes of the texts among these values."""
    return sum(len(value.encode("utf-8", "surrogatepass")) for value in values if isinstance(value, str))


def price_terms(value: Json, *names: str) -> tuple[tuple[str, str], ...]:
    """The members of these names that are texts, as terms of the price."""
    return tuple((name, value[name]) for name in names if isinstance(value.get(name), str))
