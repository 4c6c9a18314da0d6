"""Reads a run's events from the store, from any number on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from unmoor.runtime.state import keys as layout
from unmoor.runtime.store import Store, StoreEntry

# A response holds about this much.
MOST_BYTES = 1024 * 1024


@dataclass(slots=True, kw_only=True)
class Feed:
    """Reads the events after number `after`. It skips segments without newer events, and those that have not grown."""

    store: Store
    run: str
    after: int
    _full: str = ""
    _newest: StoreEntry | None = None

    async def read_new(self) -> list[dict[str, Any]]:
        """The events since the last call, at most about MOST_BYTES."""
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
        """The segments that may hold new events: the newest one grows until the next exists."""
        entries = [entry async for entry in self.store.list(layout.events_prefix(self.run), after=self._full)]
        if self._newest is None:
            return entries[_segment_of([entry.key for entry in entries], self.after + 1) :]
        return [entry for entry in entries if entry != self._newest]


def _segment_of(keys: Sequence[str], number: int) -> int:
    """The index of the segment with this event: the last one that does not begin after it."""
    firsts = [layout.first_event(key) for key in keys]
    return max(sum(first <= number for first in firsts) - 1, 0)
