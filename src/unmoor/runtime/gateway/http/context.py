"""What the gateway's routes are given, and what they have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from unmoor.runtime.clock import Clock
from unmoor.runtime.gateway.metrics import Metrics
from unmoor.runtime.gateway.queue.coalesce import CoalescedCall
from unmoor.runtime.gateway.queue.dispatcher import Dispatcher
from unmoor.runtime.http.responses import HttpError
from unmoor.runtime.logs import Log
from unmoor.runtime.redact import Redact
from unmoor.runtime.state import keys
from unmoor.runtime.state.bundle import UnpackedBundle
from unmoor.runtime.state.event_stream import PollInterval
from unmoor.runtime.state.queue_entry import api_run
from unmoor.runtime.state.run_record import RunRecord, as_values, read_record
from unmoor.runtime.store import Store

from . import requests
from .requests import NewRun
from .stream_limit import StreamLimit
from .webhooks import Hooks

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
        stored = await self.store.get(keys.run_record_key(requests.run_id(run)))
        if stored is None:
            raise HttpError(404, NO_RUN)
        return read_record(run, stored.content)

    def record_reader(self, run: str) -> Callable[[], Awaitable[RunRecord]]:
        """Gives that record as it is whenever it is called."""

        async def look() -> RunRecord:
            return await self.dispatcher.settle_if_expired(await self.record(run))

        return look


def run_json(record: RunRecord) -> dict[str, Any]:
    """A run as the API shows it: its record, but for what runners tell each other."""
    return {name: value for name, value in as_values(record).items() if name != "lease"}


async def start_run(api: ApiContext, wanted: NewRun) -> RunRecord:
    """Its record once it is safe in the store; a Refusal where no run is begun now."""
    if api.closing.is_set():
        raise HttpError(503, "the gateway is stopping; try again", retry_after="5")
    record = api_run(api.bundle, wanted.prompt, wanted.session, now=api.clock(), redact=api.redact)
    if not await api.dispatcher.enqueue(record):
        api.metrics.count_skipped()
        most = api.bundle.agent.run.max_concurrent
        raise HttpError(429, f"skipped: all {most} runs are taken, and run.when_busy is skip", retry_after="30")
    api.metrics.count_accepted()
    api.log("run accepted", run=record.id)
    return record
