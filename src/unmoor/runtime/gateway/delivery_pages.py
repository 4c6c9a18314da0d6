"""Pages of deliveries, newest first."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from unmoor.runtime import layout
from unmoor.runtime.store import Store

from .answers import Refusal

# Pieces that are read at one time, and for one page: a page that a filter leaves nearly empty ends early.
AT_ONCE, MOST_PIECES = 20, 400
CURSOR = re.compile(rf"([{layout.DIGITS}]{{9}}-[{layout.DIGITS}]{{7}})\.(\d{{1,6}})")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    """Some deliveries, and where the next page begins; empty on the last one."""

    deliveries: tuple[dict[str, Any], ...]
    next_cursor: str


def cursor_of(query: Mapping[str, str]) -> str:
    """Where a page begins, as the query says it."""
    text = query.get("cursor", "")
    if text and not CURSOR.fullmatch(text):
        raise Refusal(400, f"cursor: {text[:40]!r} is no cursor; write the next_cursor of the page before")
    return text


async def delivery_page(store: Store, *, limit: int, cursor: str = "", trigger: str = "") -> DeliveryPage:
    """The deliveries of that trigger, or of all where it is empty, from the cursor on."""
    found: list[dict[str, Any]] = []
    async for place, line in _lines(store, cursor):
        if len(found) == limit or line is None:
            return DeliveryPage(deliveries=tuple(found), next_cursor=place)
        if not trigger or line["trigger"] == trigger:
            found.append(line)
    return DeliveryPage(deliveries=tuple(found), next_cursor="")


async def _lines(store: Store, cursor: str) -> AsyncIterator[tuple[str, dict[str, Any] | None]]:
    """Every line from the cursor on with its own cursor; None where it is enough for one page."""
    first, _, number = cursor.partition(".")
    keys = await _pieces(store, first)
    for start in range(0, len(keys), AT_ONCE):
        if start >= MOST_PIECES:
            yield f"{_name(keys[start])}.0", None
            return
        batch = keys[start : start + AT_ONCE]
        for key, lines in zip(batch, await asyncio.gather(*(_read(store, key) for key in batch)), strict=True):
            skip = int(number or 0) if _name(key) == first else 0
            for index, line in enumerate(lines[skip:], skip):
                yield f"{_name(key)}.{index}", line


async def _pieces(store: Store, first: str) -> list[str]:
    """The pieces from that one on, as many as one page reads and one more."""
    after = f"{layout.DELIVERY_LOG}{first[:4]}/{first}" if first else ""
    keys: list[str] = []
    async for entry in store.list(layout.DELIVERY_LOG, after=after):
        keys.append(entry.key)
        if len(keys) > MOST_PIECES:
            break
    return keys


async def _read(store: Store, key: str) -> list[dict[str, Any]]:
    stored = await store.get(key)
    return [json.loads(line) for line in reversed(stored.content.splitlines())] if stored else []


def _name(key: str) -> str:
    return key.rsplit("/", 1)[1].partition(".")[0]
