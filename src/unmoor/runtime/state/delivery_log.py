"""The log of deliveries that started no run, and why; append-only, in the store.

The runs' own records cover the accepted ones. A line is durable once `append` returns. Lines that arrive while others
are being written are written together, as one object.
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
# Unverified deliveries of one trigger and reason are logged once, and then counted for this long.
SAMPLE_WINDOW = timedelta(minutes=1)
# Lines that wait while the store is unreachable; older ones are dropped.
MOST_WAITING = 10_000
PIECES = 2**15


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivery, or `times` alike. `id` is its sender's, a time, or empty; `run` is the run that it started."""

    id: str = ""
    trigger: str
    kind: str
    at: datetime
    outcome: Outcome
    reason: str = ""
    run: str = ""
    times: int = 1


class DeliveryLog:
    """Appends deliveries. While the store is unreachable, lines wait for the next append, and no caller waits."""

    def __init__(
        self, store: Store, *, clock: Clock, log: Log, on_delivery: Callable[[Delivery], None] = lambda delivery: None
    ) -> None:
        self._store = store
        self._clock = clock
        self._log = log
        self._on_delivery = on_delivery
        self._lines: list[Delivery] = []
        self._added = self._written = self._pieces = 0
        self._writing = asyncio.Lock()
        self._alike: dict[tuple[str, str], Delivery] = {}

    async def append(self, delivery: Delivery) -> None:
        """Logs the delivery, unless a run's record does."""
        self._on_delivery(delivery)
        if delivery.outcome != "accepted":
            await self._put(delivery)

    async def append_sampled(self, delivery: Delivery) -> None:
        """Logs a delivery that anyone could have sent: per trigger and reason, the first in a minute and a count of the
        others. The reason must be one of a few."""
        self._on_delivery(delivery)
        key = (delivery.trigger, delivery.reason)
        first = self._alike.get(key)
        if first is not None and delivery.at - first.at < SAMPLE_WINDOW:
            self._alike[key] = replace(first, times=first.times + 1)
            return
        self._alike[key] = delivery
        if first is not None and first.times > 1:
            self._lines.append(_more(first))
            self._added += 1
        await self._put(delivery)

    async def flush_counts(self, *, everything: bool = False) -> None:
        """Logs the counts of windows that are over, or of all windows."""
        now = self._clock()
        over = [key for key, first in self._alike.items() if everything or now - first.at >= SAMPLE_WINDOW]
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
        # Keeps two of one millisecond in order: keys count down.
        self._pieces = (self._pieces - 1) % PIECES
        key = keys.delivery_log_key(self._clock(), self._pieces << 20 | secrets.randbits(20))
        try:
            await self._store.put_if_absent(key, "".join(map(_line, lines)).encode(errors="replace"))
        except TransientError as error:
            self._log(f"deliveries not logged yet: {error}", level="error", waiting=len(lines))
            self._lines = [*lines, *self._lines][-MOST_WAITING:]
        self._written = upto


def _more(first: Delivery) -> Delivery:
    return replace(first, id="", times=first.times - 1)


def _line(delivery: Delivery) -> str:
    return json.dumps(values(delivery), ensure_ascii=False, separators=(",", ":")) + "\n"


def values(delivery: Delivery) -> dict[str, Any]:
    """The delivery as JSON values, for the API and the store."""
    return {**asdict(delivery), "at": delivery.at.isoformat()}
