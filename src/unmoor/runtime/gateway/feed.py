"""A run's events as they lie in the store, from any number on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from unmoor.runtime import layout
from unmoor.runtime.store import Store

# One answer holds about this much.
MOST_BYTES = 1024 * 1024


@dataclass(slots=True, kw_only=True)
class Feed:
    """Reads on from the event after `after`; segments that hold nothing newer are not read."""

    store: Store
    run: str
    after: int
    _segment: str = ""

    async def more(self) -> list[dict[str, Any]]:
        """What has come since the last call, about MOST_BYTES at most; empty where there is nothing yet."""
        found: list[dict[str, Any]] = []
        size = 0
        for key in await self._segments():
            stored = await self.store.get(key)
            content = stored.content if stored else b""
            events = [json.loads(line) for line in content.splitlines()]
            found += [event for event in events if event["n"] > self.after]
            self._segment = key
            size += len(content)
            if size >= MOST_BYTES:
                break
        if found:
            self.after = found[-1]["n"]
        return found

    async def _segments(self) -> Sequence[str]:
        prefix = layout.events(self.run)
        keys = [entry.key async for entry in self.store.list(prefix, after=self._segment)]
        if self._segment or not keys:
            return keys
        return keys[_holding(keys, self.after + 1) :]


def _holding(keys: Sequence[str], number: int) -> int:
    """The index of the segment that holds that event: the last one that does not begin after it."""
    firsts = [layout.first_event(key) for key in keys]
    return max(sum(first <= number for first in firsts) - 1, 0)
