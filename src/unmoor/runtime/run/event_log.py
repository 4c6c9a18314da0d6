"""A run's events, redacted, numbered and written to the store in segments.

The newest segment is rewritten with further events until it is full, so that there are few objects. A written event
never changes. In a store that charges for each request, events that nobody follows wait for others: at first for
seconds, later for the time in which a lease is renewed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from unmoor.runtime.errors import TransientError
from unmoor.runtime.events import BudgetExceeded, Event, Finished, Notice, Started, as_values
from unmoor.runtime.redact import Redact, redact_values
from unmoor.runtime.state import keys
from unmoor.runtime.state.lease_times import REMOTE
from unmoor.runtime.store.protocol import Store
from unmoor.runtime.waiting import wait_event

# The size of a full segment.
SEGMENT_BYTES = 256 * 1024
# How long events wait for others before a write: where a write costs money, and where it does not. Without a follower,
# writes to the former become rarer as the run grows older.
FLUSH_S, NEAR_FLUSH_S, QUIET_FLUSH_S = 1.0, 0.04, REMOTE.renew_s
# Longer texts of an event are cut.
MAX_TEXT, MAX_RAW = 64 * 1024, 256 * 1024
# Of one run. Beyond it only what unmoor itself has to say is kept, up to twice as much, and always how the run ends.
MOST_BYTES = 64 * 1024 * 1024
# While more than this waits for an unreachable store, the harness's output is not read.
MAX_WAITING = 16 * 1024 * 1024


class EventLog:
    """Writes events inside its `async with` block, and the last ones when the block ends.

    `watch` receives each event until it raises OSError, for example because its output is closed. Events that the store
    did not accept are written again with the next segment.
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
        followed_until: datetime | None = None,
    ) -> None:
        self._store = store
        self._run = run
        self._redact = redact
        self._clock = clock
        self._watch = watch
        self._number = first
        self._followed_until = followed_until
        self._began = self._wrote = 0.0
        self._segment: list[bytes] = []
        self._waiting: list[bytes] = []
        self._size = 0
        self._kept_bytes = self._dropped = 0
        self._pending = asyncio.Event()
        self._full = asyncio.Event()
        self._urgent = asyncio.Event()
        self._writing = asyncio.Lock()
        self._room = asyncio.Event()
        self._room.set()
        self._silent = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> EventLog:
        self._began = self._wrote = asyncio.get_running_loop().time()
        self._task = asyncio.create_task(self._write_loop())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.flush()

    def add(self, event: Event | dict[str, Any], *, raw: str | None = None) -> None:
        """Adds an event, or its values; `raw` is the harness's line that it was parsed from."""
        if self._silent:
            return
        if not self._has_room(event, is_output=raw is not None):
            return self._drop()
        if isinstance(event, Finished) and self._dropped:
            self._append(Notice(level="warning", text=f"{self._dropped} further events were not kept"), None)
        self._append(event, raw)

    def _append(self, event: Event | dict[str, Any], raw: str | None) -> None:
        self._number += 1
        values = event if isinstance(event, dict) else as_values(event)
        # Redacted before it is cut: half a secret would not be recognized.
        redacted = redact_values({"n": self._number, "at": self._clock().isoformat(), **values}, self._redact)
        whole = {k: _shorten(v, MAX_TEXT) if isinstance(v, str) else v for k, v in redacted.items()}
        if raw is not None:
            whole["raw"] = _shorten(self._redact(raw), MAX_RAW)
        text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
        self._waiting.append(text.encode(errors="replace") + b"\n")  # half a surrogate pair cannot be encoded
        self._size += len(self._waiting[-1])
        self._kept_bytes += len(self._waiting[-1])
        self._pending.set()
        if self._size >= SEGMENT_BYTES:
            self._full.set()
        if self._size >= SEGMENT_BYTES or _is_urgent(event):
            self._urgent.set()
        if self._size >= MAX_WAITING:
            self._room.clear()
        try:
            self._watch(whole)
        except OSError:
            self._watch = lambda event: None

    def _has_room(self, event: Event | dict[str, Any], *, is_output: bool) -> bool:
        own = isinstance(event, Notice) and not is_output
        return isinstance(event, Started | Finished | BudgetExceeded) or self._kept_bytes < MOST_BYTES * (1 + own)

    def _drop(self) -> None:
        """Counts an event that is not kept; the first is said."""
        self._dropped += 1
        if self._dropped == 1:
            size = f"{MOST_BYTES // 1024**2} MiB"
            text = f"the run's events have {size}: further output of the harness is not kept"
            self._append(Notice(level="warning", text=text), None)

    def follow(self, until: datetime | None) -> None:
        """Until then somebody follows the events, so they are written at once."""
        if until is not None and until != self._followed_until:
            self._followed_until = until
            self._urgent.set()

    def stop_writing(self) -> None:
        """Drops waiting and further events: another runner has the run and numbers its events."""
        self._silent, self._waiting = True, []

    async def backpressure(self) -> None:
        """Waits while too many events wait for the store."""
        await self._room.wait()

    async def flush(self) -> None:
        """Writes the waiting events; if the store fails, they keep waiting and its error is raised."""
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
            self._wrote = asyncio.get_running_loop().time()
            self._segment = segment if sum(map(len, segment)) < SEGMENT_BYTES else []
            self._room.set()

    async def _write_loop(self) -> None:
        while True:
            await self._pending.wait()
            await self._wait_for_others()
            self._pending.clear()
            self._urgent.clear()
            self._full.clear()
            try:
                await self.flush()
            except TransientError:
                self._pending.set()  # retried, and once more at the end, where an error counts
                await asyncio.sleep(FLUSH_S)

    async def _wait_for_others(self) -> None:
        """Waits for further events of the same write."""
        if not self._store.is_local and (self._followed_until is None or self._followed_until < self._clock()):
            now = asyncio.get_running_loop().time()
            due = self._wrote + min(max(now - self._began, FLUSH_S), QUIET_FLUSH_S)
            await wait_event(self._urgent, due - FLUSH_S - now)
        await wait_event(self._full, NEAR_FLUSH_S if self._store.is_local else FLUSH_S)


def _is_urgent(event: Event | dict[str, Any]) -> bool:
    """Whether somebody should see it soon, though nobody follows: an error, or a cap that ends the run."""
    return isinstance(event, BudgetExceeded) or (isinstance(event, Notice) and event.level == "error")


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… [{len(text) - limit} characters cut]"
