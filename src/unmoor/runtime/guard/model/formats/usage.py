"""What an answer has said about what it used, and reading numbers out of JSON that may hold anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unmoor.runtime.events import Tokens

Json = Mapping[str, Any]
MOST_TOKENS = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedUsage:
    """What one answer has said so far.

    `tokens` is the provider's own count, None while it has given none, and final where `whole`. Of its cache_write,
    `long_cache_write` are kept for an hour, which costs more. `searches` are web searches of the provider's. `terms`
    are what else the price hangs on, such as (("service_tier", "priority"),). `text_bytes` is how much text, thought
    and tool input came, for an estimate where nothing was said. `failed`: the answer says that it went wrong.
    """

    tokens: Tokens | None = None
    whole: bool = False
    long_cache_write: int = 0
    searches: int = 0
    terms: tuple[tuple[str, str], ...] = ()
    text_bytes: int = 0
    failed: bool = False


def number(value: Any, *way: str) -> int:
    """The count at that place, 0 where there is none or no sensible one."""
    for step in way:
        value = value.get(step) if isinstance(value, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_TOKENS:
        return 0
    return int(value)


def part(value: Any, *way: str) -> Json:
    """The object at that place, an empty one where there is none."""
    for step in way:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def items(value: Any, key: str) -> list[Json]:
    """The objects of the list under that key."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def text_size(*values: Any) -> int:
    """How many bytes the texts among these values have."""
    return sum(len(value.encode("utf-8", "surrogatepass")) for value in values if isinstance(value, str))


def price_terms(value: Json, *names: str) -> tuple[tuple[str, str], ...]:
    """Those of these fields that say something, as terms of the price."""
    return tuple((name, value[name]) for name in names if isinstance(value.get(name), str))
