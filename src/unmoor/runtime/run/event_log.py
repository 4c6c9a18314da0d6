"""A run's events, redacted, numbered and written to the store in segments.

The newest segment is written again with more at its end until it is full, so that events are there soon and a run of
many small ones is not as many objects; what is written is never changed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from unmoor.runtime.errors import TransientError
from unmoor.runtime.events import Event, as_values
from unmoor.runtime.redact import Redact, redact_values
from unmoor.runtime.state import keys
from unmoor.runtime.store.protocol import Store
from unmoor.runtime.waiting import wait_event

# A segment is full when it holds this much.
SEGMENT_BYTES = 256 * 1024
# Events wait this long for others before they are written: where a write costs money and where it does not.
FLUSH_S, NEAR_FLUSH_S = 1.0, 0.04
# What of a text an event keeps; the rest is said to be cut.
KEPT_TEXT = 64 * 1024
KEPT_RAW = 256 * 1024
# More than this is not held for a store that takes nothing; until it does, no more is taken in.
MOST_HELD = 16 * 1024 * 1024


class EventLog:
    """Takes events as they happen and writes them while it is entered; the last of them before it is left.

    `watch` sees each event as it is written; where it fails, as on an output that nobody reads, it sees no more. The
    store is given what it did not take again with the next segment.
    """

    def __init__(
        self,
        store: Store,
        run: str,
        *,
        redact: Redact,
        clock: Callable[[], datetime],
        watch: Callable[[dict[str, Any]], None],
        first: int = 0,
    ) -> None:
        self._store = store
        self._run = run
        self._redact = redact
        self._clock = clock
        self._watch = watch
        self._number = first
        self._flush_s = NEAR_FLUSH_S if store.is_local else FLUSH_S
        self._segment: list[bytes] = []
        self._waiting: list[bytes] = []
        self._size = 0
        self._come = asyncio.Event()
        self._full = asyncio.Event()
        self._writing = asyncio.Lock()
        self._room = asyncio.Event()
        self._room.set()
        self._silent = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> EventLog:
        self._task = asyncio.create_task(self._write_as_they_come())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.flush()

    def add(self, event: Event | dict[str, Any], *, raw: str | None = None) -> None:
        """An event, or the values of one; `raw` is the harness's own line that made it."""
        if self._silent:
            return
        values = event if isinstance(event, dict) else as_values(event)
        self._number += 1
        # Redacted before it is cut: half a secret would not be known for one.
        whole = _cut(
            redact_values({"n": self._number, "at": self._clock().isoformat(), **values}, self._redact), KEPT_TEXT
        )
        if raw is not None:
            whole["raw"] = _shortened(self._redact(raw), KEPT_RAW)
        text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
        self._waiting.append(text.encode(errors="replace") + b"\n")  # half a surrogate pair is no text
        self._size += len(self._waiting[-1])
        self._come.set()
        if self._size >= SEGMENT_BYTES:
            self._full.set()
        if self._size >= MOST_HELD:
            self._room.clear()
        try:
            self._watch(whole)
        except OSError:
            self._watch = _nobody

    def stop_writing(self) -> None:
        """Says nothing more: the run, and what its next event is, are somebody else's."""
        self._silent, self._waiting = True, []

    async def backpressure(self) -> None:
        """Waits while more is held than should be."""
        await self._room.wait()

    async def flush(self) -> None:
        """Writes what waits; what the store does not take waits on, and its fault is raised."""
        async with self._writing:
            if not self._waiting:
                return
            lines, self._waiting, self._size = self._waiting, [], 0
            segment = self._segment + lines
            first = self._number - len(segment) + 1
            try:
                await self._store.put(keys.event_segment_key(self._run, first), b"".join(segment))
            except BaseException:
                self._waiting = [] if self._silent else lines + self._waiting
                self._size = sum(map(len, self._waiting))
                raise
            self._segment = segment if sum(map(len, segment)) < SEGMENT_BYTES else []
            self._room.set()

    async def _write_as_they_come(self) -> None:
        while True:
            await self._come.wait()
            await wait_event(self._full, self._flush_s)
            self._come.clear()
            self._full.clear()
            try:
                await self.flush()
            except TransientError:
                self._come.set()  # it is tried again, and at the end once more, where a fault counts
                await asyncio.sleep(FLUSH_S)


def _nobody(event: dict[str, Any]) -> None:
    """Sees nothing."""


def _cut(values: dict[str, Any], limit: int) -> dict[str, Any]:
    return {k: _shortened(v, limit) if isinstance(v, str) else v for k, v in values.items()}


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… [{len(text) - limit} characters cut]"
