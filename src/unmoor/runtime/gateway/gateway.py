"""A gateway made of its parts: the API, the queue, a launcher, the sweep."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from unmoor.runtime.bundle import Unpacked
from unmoor.runtime.claim import Clock
from unmoor.runtime.errors import InfrastructureFault
from unmoor.runtime.guard.way import Log
from unmoor.runtime.redact import Redact
from unmoor.runtime.retention import sweep
from unmoor.runtime.store import Store

from .api import Api
from .app import application
from .dispatch import BUSY_S, IDLE_S, Dispatcher, Limits
from .launcher import Launcher
from .listening import served
from .metrics import Metrics
from .streams import Pace, pace_of

SWEEP_S = 6 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """What a gateway is given. `sweep_after_s` is None where the store's platform removes what is old by itself."""

    store: Store
    bundle: Unpacked
    launcher: Launcher
    token: str = field(repr=False)
    redact: Redact
    log: Log
    clock: Clock
    pace: Pace | None = None
    busy_s: float = BUSY_S
    idle_s: float = IDLE_S
    sweep_after_s: int | None = None
    ticks: Callable[[], float] = time.monotonic

    @contextlib.asynccontextmanager
    async def serving(self, listening: socket.socket) -> AsyncIterator[int]:
        """Serves until it is left, and gives the port's number. Runs that cannot outlive it are told to stop then."""
        metrics = Metrics()
        dispatcher = self._dispatcher(metrics)
        self.launcher.told = dispatcher.exited
        api = self._api(dispatcher, metrics)
        tasks = [asyncio.create_task(w) for w in (dispatcher.run(), self.launcher.attend(), self._sweeping())]
        stopping: asyncio.Task[None] | None = None
        async with served(application(api), listening, closing=api.closing) as port:
            try:
                yield port
            finally:
                self.log("stopping", runs=len(self.launcher.running()))
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                stopping = asyncio.create_task(self.launcher.close())
        await stopping

    def _dispatcher(self, metrics: Metrics) -> Dispatcher:
        run = self.bundle.agent.run
        return Dispatcher(
            store=self.store,
            launcher=self.launcher,
            limits=Limits(most=run.max_concurrent, skips=run.when_busy == "skip", retries=run.retries),
            clock=self.clock,
            log=self.log,
            ended=metrics.ended,
            busy_s=self.busy_s,
            idle_s=self.idle_s,
            ticks=self.ticks,
        )

    def _api(self, dispatcher: Dispatcher, metrics: Metrics) -> Api:
        return Api(
            store=self.store,
            bundle=self.bundle,
            dispatcher=dispatcher,
            clock=self.clock,
            redact=self.redact,
            metrics=metrics,
            log=self.log,
            token=self.token,
            pace=self.pace or pace_of(self.store),
        )

    async def _sweeping(self) -> None:
        while self.sweep_after_s is not None:
            try:
                if removed := await sweep(self.store, now=self.clock(), keep_s=self.sweep_after_s):
                    self.log("removed what is old", objects=removed)
            except InfrastructureFault as fault:
                self.log(str(fault), level="error")
            await asyncio.sleep(SWEEP_S)
