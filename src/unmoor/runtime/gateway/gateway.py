"""A gateway made of its parts: the API, the queue, a launcher, the sweep."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from unmoor.runtime import self_test_trigger
from unmoor.runtime.clock import Clock
from unmoor.runtime.gateway.http.context import ApiContext
from unmoor.runtime.gateway.http.stream_limit import StreamLimit
from unmoor.runtime.gateway.http.webhooks import Hook, Hooks, hooks_of
from unmoor.runtime.gateway.launchers.protocol import Launcher
from unmoor.runtime.gateway.queue.coalesce import CoalescedCall
from unmoor.runtime.gateway.queue.dispatcher import BUSY_S, IDLE_S, Dispatcher, QueueLimits
from unmoor.runtime.gateway.queue.start_attempts import RunnerStarts
from unmoor.runtime.gateway.triggers.email.tasks import mail_tasks
from unmoor.runtime.gateway.triggers.intake import Intake
from unmoor.runtime.gateway.triggers.schedules import Scheduler, schedules_of
from unmoor.runtime.http.server import serve_app
from unmoor.runtime.logs import Log, log_errors
from unmoor.runtime.redact import Redact
from unmoor.runtime.state.bundle import UnpackedBundle
from unmoor.runtime.state.delivery_log import Delivery, DeliveryLog
from unmoor.runtime.state.event_stream import PollInterval, poll_interval
from unmoor.runtime.state.retention import delete_expired
from unmoor.runtime.store import Store

from .app import application
from .metrics import Metrics

SWEEP_S = 6 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """What a gateway is given. `secrets` are those of its triggers, by name; `sweep_after_s` is None where the store's
    platform removes what is old by itself, `fires` says that schedules are the gateway's and not the platform's,
    `works_unasked` that it has a processor between requests as well; `tls` is what it trusts mail servers by, if not
    the machine's authorities."""

    store: Store
    bundle: UnpackedBundle
    launcher: Launcher
    token: str = field(repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    redact: Redact
    log: Log
    clock: Clock
    pace: PollInterval | None = None
    busy_s: float = BUSY_S
    idle_s: float = IDLE_S
    sweep_after_s: int | None = None
    ticks: Callable[[], float] = time.monotonic
    fires: bool = True
    works_unasked: bool = True
    slots: StreamLimit = field(default_factory=StreamLimit)
    invocations_open: bool = False
    tls: ssl.SSLContext | None = None

    @contextlib.asynccontextmanager
    async def serving(self, listening: socket.socket) -> AsyncIterator[int]:
        """Serves until it is left, and gives the port's number. Runs that cannot outlive it are told to stop then."""
        metrics = Metrics()
        dispatcher = self._dispatcher()
        dispatcher.on_end(metrics.count_finished)
        self.launcher.on_exit = dispatcher.on_runner_exit
        closing = asyncio.Event()
        intake = self._intake(dispatcher, metrics)
        own = Hook(trigger=self_test_trigger.TRIGGER, webhook=self_test_trigger.WEBHOOK, secret=self.token)
        hooks = Hooks(
            hooks={**hooks_of(self.bundle, self.secrets), self_test_trigger.NAME: own}, intake=intake, closing=closing
        )
        api = self._api(dispatcher, metrics, hooks, closing)
        work = [dispatcher.run(), self.launcher.watch(), self._sweeping()]
        if self.fires and self.bundle.agent.schedules:
            work.append(Scheduler(intake=intake, schedules=schedules_of(self.bundle)).run())
        work += mail_tasks(intake, self.secrets, self.tls, connection=metrics.set_mailbox_connected)
        tasks = [asyncio.create_task(each) for each in work]
        stopping: asyncio.Task[None] | None = None
        async with serve_app(application(api), listening, closing=api.closing) as port:
            try:
                yield port
            finally:
                self.log("stopping", runs=len(self.launcher.running()))
                await _ended(tasks)
                stopping = asyncio.create_task(self.launcher.close())
        await intake.deliveries.flush_counts(all_of_it=True)
        await stopping

    def _dispatcher(self) -> Dispatcher:
        run = self.bundle.agent.run
        dispatcher = Dispatcher(
            store=self.store,
            launcher=self.launcher,
            starts=RunnerStarts(launcher=self.launcher, log=self.log, ticks=self.ticks),
            limits=QueueLimits(most=run.max_concurrent, skips=run.when_busy == "skip", retries=run.retries),
            clock=self.clock,
            log=self.log,
            busy_s=self.busy_s,
            idle_s=self.idle_s,
        )
        if not self.works_unasked:
            dispatcher.soon = CoalescedCall(look=dispatcher.reconcile, log=self.log, every_s=0)
        return dispatcher

    def _intake(self, dispatcher: Dispatcher, metrics: Metrics) -> Intake:
        def counted(delivery: Delivery) -> None:
            metrics.count_delivery(delivery.kind, delivery.outcome)

        return Intake(
            store=self.store,
            bundle=self.bundle,
            dispatcher=dispatcher,
            deliveries=DeliveryLog(self.store, clock=self.clock, log=self.log, counted=counted),
            clock=self.clock,
            redact=self.redact,
            metrics=metrics,
            log=self.log,
        )

    def _api(self, dispatcher: Dispatcher, metrics: Metrics, hooks: Hooks, closing: asyncio.Event) -> ApiContext:
        return ApiContext(
            store=self.store,
            bundle=self.bundle,
            dispatcher=dispatcher,
            hooks=hooks,
            clock=self.clock,
            redact=self.redact,
            metrics=metrics,
            nudges=CoalescedCall(look=dispatcher.reconcile_full, log=self.log, ticks=self.ticks),
            log=self.log,
            token=self.token,
            pace=self.pace or poll_interval(self.store),
            closing=closing,
            slots=self.slots,
            invocations_open=self.invocations_open,
        )

    async def _sweeping(self) -> None:
        while self.sweep_after_s is not None:
            await log_errors(lambda: self._sweep(self.sweep_after_s or 0), "a sweep of what is old", log=self.log)
            await asyncio.sleep(SWEEP_S)

    async def _sweep(self, keep_s: int) -> None:
        if removed := await delete_expired(self.store, now=self.clock(), keep_s=keep_s):
            self.log("removed what is old", objects=removed)


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancels until all are over: before Python 3.12, asyncio.wait_for loses a cancellation that comes at the moment of
    what it waits for (https://github.com/python/cpython/issues/86296)."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=1)
    await asyncio.gather(*tasks, return_exceptions=True)
