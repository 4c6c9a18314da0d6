"""Operates an agent through its store alone, for example while its gateway is down."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from unmoor.runtime.gateway.http.context import run_json
from unmoor.runtime.redact import Redact
from unmoor.runtime.state import keys
from unmoor.runtime.state.bundle import UnpackedBundle, read_bundle
from unmoor.runtime.state.delivery_pages import delivery_page
from unmoor.runtime.state.event_feed import Feed
from unmoor.runtime.state.event_stream import long_poll, poll_interval
from unmoor.runtime.state.finish import request_cancel
from unmoor.runtime.state.follow import followed_reader
from unmoor.runtime.state.queue_entry import api_run, enqueue_run
from unmoor.runtime.state.run_pages import list_runs
from unmoor.runtime.state.run_record import RunRecord, load_record
from unmoor.runtime.store import Store

from .agent import EntryPage, Events
from .errors import NoSuchRun, OperateError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAgent:
    """The agent of a store. `bundle` is the deployed bundle, if known."""

    url: str
    store: Store
    bundle: UnpackedBundle | None = None
    redact: Redact = lambda text: text
    _loop: asyncio.Runner = field(default_factory=asyncio.Runner)

    def start(self, prompt: str, session: str) -> str:
        """Queues a run, which the gateway starts when it is up again."""
        if self.bundle is None:
            raise OperateError(f"{self.url}: queuing a run requires the agent's spec")
        if self.bundle.agent.run.when_busy == "skip":
            raise OperateError("run.when_busy is skip: only the gateway knows whether a run can start; use --url")
        record = api_run(self.bundle, prompt, session, now=datetime.now(UTC), redact=self.redact)
        self._loop.run(enqueue_run(self.store, record))
        return record.id

    def runs(self, *, limit: int, cursor: str = "") -> EntryPage:
        found = self._loop.run(list_runs(self.store, limit=limit, cursor=cursor))
        return EntryPage(entries=tuple(map(run_json, found.runs)), next=found.next_cursor)

    def run(self, run: str) -> dict[str, Any]:
        return run_json(self._loop.run(self._record(run)))

    def events(self, run: str, *, after: int, wait_s: int) -> Events:
        async def read() -> dict[str, Any]:
            feed, pace = Feed(store=self.store, run=run, after=after), poll_interval(self.store)
            look = followed_reader(self.store, lambda: self._record(run), clock=lambda: datetime.now(UTC))
            return await long_poll(feed, look, wait_s=wait_s, pace=pace, closing=asyncio.Event())

        found = self._loop.run(read())
        return Events(events=tuple(found["events"]), next=found["next"], done=found["done"])

    def cancel(self, run: str) -> str:
        async def request() -> RunRecord:
            await self._record(run)  # NoSuchRun before anything is written
            result = await request_cancel(self.store, run, clock=lambda: datetime.now(UTC))
            return result.record if result else await self._record(run)

        return self._loop.run(request()).status

    def deliveries(self, *, limit: int, cursor: str = "", trigger: str = "") -> EntryPage:
        found = self._loop.run(delivery_page(self.store, limit=limit, cursor=cursor, trigger=trigger))
        return EntryPage(entries=found.deliveries, next=found.next_cursor)

    def has_bundle(self, sha256: str) -> bool:
        return self._loop.run(read_bundle(self.store, sha256)) is not None

    def close(self) -> None:
        self._loop.close()

    async def _record(self, run: str) -> RunRecord:
        loaded = await load_record(self.store, run) if keys.RUN_ID.fullmatch(run) else None
        if loaded is None:
            raise NoSuchRun(f"{self.url}: no run has this id")
        return loaded[0]
