"""What the gateway's routes are given, and what they have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from unmoor.runtime import layout
from unmoor.runtime.bundle import UnpackedBundle
from unmoor.runtime.claim import Clock, read_record
from unmoor.runtime.guard.way import Log
from unmoor.runtime.records import RunRecord
from unmoor.runtime.redact import Redact
from unmoor.runtime.store import Store

from . import asked
from .answers import HttpError
from .dispatch import Dispatcher
from .hooks.hooks import Hooks
from .metrics import Metrics
from .nudges import CoalescedCall
from .slots import StreamLimit
from .streams import PollInterval

NO_RUN = "there is no run of that id"


@dataclass(slots=True, kw_only=True)
class ApiContext:
    """What the routes need; `closing` is set when the gateway is told to stop."""

    store: Store
    bundle: UnpackedBundle
    dispatcher: Dispatcher
    hooks: Hooks
    clock: Clock
    redact: Redact
    metrics: Metrics
    nudges: CoalescedCall
    log: Log
    token: str = field(repr=False)
    pace: PollInterval = field(default_factory=PollInterval)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    slots: StreamLimit = field(default_factory=StreamLimit)
    # The platform before the gateway lets in only those who may, and has no place for our token.
    invocations_open: bool = False

    async def record(self, run: str) -> RunRecord:
        """The record of the run of that id; a Refusal where there is none."""
        stored = await self.store.get(layout.run_record_key(asked.run_id(run)))
        if stored is None:
            raise HttpError(404, NO_RUN)
        return read_record(run, stored.content)

    def record_reader(self, run: str) -> Callable[[], Awaitable[RunRecord]]:
        """Gives that record as it is whenever it is called."""

        async def look() -> RunRecord:
            return await self.dispatcher.settle_if_expired(await self.record(run))

        return look
