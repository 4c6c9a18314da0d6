"""A run's events as they lie in the store, from any number on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from unmoor.runtime.state import keys as layout
from unmoor.runtime.store import Store, StoreEntry

# One answer holds about this much.
MOST_BYTES = 1024 * 1024


@dataclass(slots=True, kw_only=True)
class Feed:
    """Reads on from the event after `after`; a segment that holds nothing newer is not read, nor one again that has not
    grown."""

    store: Store
    run: str
    after: int
    _full: str = ""
    _newest: StoreEntry | None = None

    async def read_new(self) -> list[dict[str, Any]]:
        """What has come since the last call, about MOST_BYTES at most; empty where there is nothing yet."""
        found: list[dict[str, Any]] = []
        size = 0
        for entry in await self._segments():
            stored = await self.store.get(entry.key)
            content = stored.content if stored else b""
            events = [json.loads(line) for line in content.splitlines()]
            found += [event for event in events if event["n"] > self.after]
            if self._newest and self._newest.key != entry.key:
                self._full = self._newest.key
            self._newest = entry
            size += len(content)
            if size >= MOST_BYTES:
                break
        if found:
            self.after = found[-1]["n"]
        return found

    async def _segments(self) -> list[StoreEntry]:
        """Those that may hold something new: the newest one grows until there is another."""
        entries = [entry async for entry in self.store.list(layout.events_prefix(self.run), after=self._full)]
        if self._newest is None:
            return entries[_holding([entry.key for entry in entries], self.after + 1) :]
        return [entry for entry in entries if entry != self._newest]


def _holding(keys: Sequence[str], number: int) -> int:
    """The index of the segment that holds that event: the last one that does not begin after it."""
    firsts = [layout.first_event(key) for key in keys]
    return max(sum(first <= number for first in firsts) - 1, 0)
