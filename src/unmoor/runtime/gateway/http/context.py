"""The dependencies of the gateway's routes, and what they share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from unmoor.runtime.clock import Clock
from unmoor.runtime.gateway.metrics import Metrics
from unmoor.runtime.gateway.queue.coalesce import CoalescedCall
from unmoor.runtime.gateway.queue.dispatcher import Dispatcher
from unmoor.runtime.gateway.triggers.intake import skip_reason
from unmoor.runtime.http.responses import HttpError
from unmoor.runtime.logs import Log
from unmoor.runtime.redact import Redact
from unmoor.runtime.state.bundle import UnpackedBundle
from unmoor.runtime.state.event_stream import PollInterval
from unmoor.runtime.state.follow import followed_reader
from unmoor.runtime.state.queue_entry import api_run
from unmoor.runtime.state.run_record import RunRecord, as_values, load_record
from unmoor.runtime.store import Store

from . import requests
from .requests import NewRun
from .stream_limit import StreamLimit
from .webhooks import Hooks

NO_RUN = "no run has this id"
# Members of a record that only gateways and runners use.
INTERNAL = ("lease", "followed_until", "cancel_requested")


@dataclass(slots=True, kw_only=True)
class ApiContext:
    """The routes' dependencies; `stopping` is set when the gateway is to stop, `closing` when it serves no more."""

    store: Store
    bundle: UnpackedBundle
    dispatcher: Dispatcher
    hooks: Hooks
    clock: Clock
    redact: Redact
    metrics: Metrics
    wake: CoalescedCall
    log: Log
    token: str = field(repr=False)
    pace: PollInterval = field(default_factory=PollInterval)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    slots: StreamLimit = field(default_factory=StreamLimit)
    # The platform in front authenticates callers, and its requests cannot carry our token.
    invocations_open: bool = False

    async def record(self, run: str) -> RunRecord:
        """The run's record; HttpError where no run has this id."""
        loaded = await load_record(self.store, requests.run_id(run))
        if loaded is None:
            raise HttpError(404, NO_RUN)
        return loaded[0]

    def record_reader(self, run: str) -> Callable[[], Awaitable[RunRecord]]:
        """A function that reads the record again at each call."""

        async def read() -> RunRecord:
            return await self.dispatcher.settle_if_expired(await self.record(run))

        return read

    def followed_reader(self, run: str) -> Callable[[], Awaitable[RunRecord]]:
        """The same for somebody who follows the run's events, which its runner then writes at once."""
        return followed_reader(self.store, self.record_reader(run), clock=self.clock)


def run_json(record: RunRecord) -> dict[str, Any]:
    """A run as the API returns it: its record without what gateways and runners tell each other."""
    return {name: value for name, value in as_values(record).items() if name not in INTERNAL}


async def start_run(api: ApiContext, new_run: NewRun) -> RunRecord:
    """Accepts a run and returns its record once it is durable; HttpError where no run can start now."""
    if api.closing.is_set():
        raise HttpError(503, "the gateway is stopping; try again", retry_after="5")
    record = api_run(api.bundle, new_run.prompt, new_run.session, now=api.clock(), redact=api.redact)
    if not await api.dispatcher.enqueue(record):
        api.metrics.skipped.inc()
        raise HttpError(429, f"skipped: {skip_reason(api.bundle.agent.run.max_concurrent)}", retry_after="30")
    api.metrics.accepted.inc()
    api.log("run accepted", run=record.id)
    return record
