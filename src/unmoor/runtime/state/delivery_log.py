"""What came to the triggers and started nothing, and why: lines in the store that are only ever added to.

What was accepted is told by its run's record. A line is in the store when `note` returns. Lines that come while others
are being written go together as one object, so that many at once cost no more than few.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from unmoor.runtime.clock import Clock
from unmoor.runtime.errors import TransientError
from unmoor.runtime.logs import Log
from unmoor.runtime.state import keys
from unmoor.runtime.store import Store

Outcome = Literal["accepted", "repeated", "filtered", "refused", "skipped"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
# What nobody has proved to have sent is written down once, and then counted for this long.
TOGETHER = timedelta(minutes=1)
# Lines that wait for a store that is away; older ones are dropped.
MOST_WAITING = 10_000
PIECES = 2**15


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One thing that came, or `times` alike: `id` is its sender's, or a time, or empty; `run` is what it started."""

    id: str = ""
    trigger: str
    kind: str
    at: datetime
    outcome: Outcome
    reason: str = ""
    run: str = ""
    times: int = 1


class DeliveryLog:
    """Adds to the list. A store that is away keeps nobody waiting: the lines are tried again with the next one."""

    def __init__(
        self, store: Store, *, clock: Clock, log: Log, counted: Callable[[Delivery], None] = lambda delivery: None
    ) -> None:
        self._store = store
        self._clock = clock
        self._log = log
        self._counted = counted
        self._lines: list[Delivery] = []
        self._added = self._written = self._pieces = 0
        self._writing = asyncio.Lock()
        self._alike: dict[tuple[str, str], Delivery] = {}

    async def append(self, delivery: Delivery) -> None:
        """Writes it down, unless a run's record does."""
        self._counted(delivery)
        if delivery.outcome != "accepted":
            await self._put(delivery)

    async def append_sampled(self, delivery: Delivery) -> None:
        """Writes down what anybody could have sent: of those of one trigger and reason in a minute, the first and how
        many more. The reason must be one of a few."""
        self._counted(delivery)
        key = (delivery.trigger, delivery.reason)
        first = self._alike.get(key)
        if first is not None and delivery.at - first.at < TOGETHER:
            self._alike[key] = replace(first, times=first.times + 1)
            return
        self._alike[key] = delivery
        if first is not None and first.times > 1:
            self._lines.append(_more(first))
            self._added += 1
        await self._put(delivery)

    async def flush_counts(self, *, all_of_it: bool = False) -> None:
        """Writes down how many more came in minutes that are over, or also in the one that is not."""
        now = self._clock()
        over = [key for key, first in self._alike.items() if all_of_it or now - first.at >= TOGETHER]
        for first in [self._alike.pop(key) for key in over]:
            if first.times > 1:
                await self._put(_more(first))

    async def _put(self, delivery: Delivery) -> None:
        self._lines.append(delivery)
        self._added += 1
        mine = self._added
        async with self._writing:
            if self._written < mine:
                await self._write()

    async def _write(self) -> None:
        lines, self._lines = self._lines, []
        upto = self._added
        # Two of one millisecond are in order as well: what comes later counts down.
        self._pieces = (self._pieces - 1) % PIECES
        key = keys.delivery_log_key(self._clock(), self._pieces << 20 | secrets.randbits(20))
        try:
            await self._store.put_if_absent(key, "".join(map(_line, lines)).encode(errors="replace"))
        except TransientError as fault:
            self._log(f"deliveries are not written down yet: {fault}", level="error", waiting=len(lines))
            self._lines = [*lines, *self._lines][-MOST_WAITING:]
        self._written = upto


def _more(first: Delivery) -> Delivery:
    return replace(first, id="", times=first.times - 1)


def _line(delivery: Delivery) -> str:
    return json.dumps(values(delivery), ensure_ascii=False, separators=(",", ":")) + "\n"


def values(delivery: Delivery) -> dict[str, Any]:
    """A delivery as the API and the store have it."""
    return {**asdict(delivery), "at": delivery.at.isoformat()}
