"""A response's reported usage, and reading it from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unmoor.runtime.events import Tokens
from unmoor.runtime.json_values import Json, is_count, items

# How the names of counts end in all formats, in lower case: output_tokens, promptTokenCount, web_search_requests.
COUNT_NAMES = ("tokens", "tokencount", "_requests")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedUsage:
    """What a response has reported so far.

    `tokens` is the provider's count, None until it reports one, and final if `whole`. `long_cache_write` tokens of its
    cache_write are stored for an hour, which costs more. `input_audio`, `cached_audio` and `output_audio` are tokens
    among these that are sound. `searches` are the provider's web searches. `terms` decide the
    price too, such as (("service_tier", "priority"),). `text_bytes` is the size of text, reasoning and tool input, for
    an estimate if nothing is reported. `failed`: the response reports an error. `invalid`: it reports a count that is
    not a number of tokens.
    """

    tokens: Tokens | None = None
    whole: bool = False
    long_cache_write: int = 0
    input_audio: int = 0
    cached_audio: int = 0
    output_audio: int = 0
    searches: int = 0
    terms: tuple[tuple[str, str], ...] = ()
    text_bytes: int = 0
    failed: bool = False
    invalid: bool = False


def text_size(*values: Any) -> int:
    """The size in bytes of the texts among these values."""
    return sum(len(value.encode("utf-8", "surrogatepass")) for value in values if isinstance(value, str))


def has_invalid_count(counts: Json, *, depth: int = 4) -> bool:
    """Whether a count in a usage object is something else than a whole number that a response can have."""
    for name, value in counts.items():
        if isinstance(value, Mapping | list):
            parts = [value] if isinstance(value, Mapping) else items(counts, name)
            if depth and any(has_invalid_count(part, depth=depth - 1) for part in parts):
                return True
        elif name.lower().endswith(COUNT_NAMES) and value is not None and not is_count(value):
            return True
    return False


def price_terms(value: Json, *names: str) -> tuple[tuple[str, str], ...]:
    """The members of these names that are texts, as terms of the price."""
    return tuple((name, value[name]) for name in names if isinstance(value.get(name), str))
