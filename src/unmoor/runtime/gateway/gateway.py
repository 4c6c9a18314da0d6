"""The gateway: builds its parts and runs them until it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.types import ASGIApp

from unmoor.container import INVOCATIONS_PATH
from unmoor.runtime import self_test_trigger
from unmoor.runtime.clock import Clock
from unmoor.runtime.gateway.http.auth import AuthMiddleware
from unmoor.runtime.gateway.http.context import ApiContext
from unmoor.runtime.gateway.http.error_handlers import exception_handlers
from unmoor.runtime.gateway.http.routes import all_routes
from unmoor.runtime.gateway.http.stream_limit import StreamLimit
from unmoor.runtime.gateway.http.webhooks import Hook, Hooks, hooks_of
from unmoor.runtime.gateway.launchers.firings import FiringSource
from unmoor.runtime.gateway.launchers.platform import PlatformLauncher
from unmoor.runtime.gateway.launchers.protocol import Launcher
from unmoor.runtime.gateway.queue.coalesce import CoalescedCall
from unmoor.runtime.gateway.queue.dispatcher import Dispatcher, QueueLimits
from unmoor.runtime.gateway.queue.look_times import BUSY_S, IDLE_S
from unmoor.runtime.gateway.queue.start_attempts import RunnerStarts
from unmoor.runtime.gateway.triggers.email.tasks import mail_tasks
from unmoor.runtime.gateway.triggers.failed_firings import FailedFirings
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
from unmoor.runtime.waiting import wait_event

from .metrics import Metrics

SWEEP_S = 6 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The gateway's dependencies and settings.

    `secrets` are its triggers', by name. `sweep_after_s` is None where the store's platform deletes expired objects.
    `serve_on_s` is the time for which it serves on once it stops, or until `hurry` is set. `fires_schedules`: the
    gateway fires schedules, not the platform. `has_idle_cpu`: it has CPU between requests. `tls` verifies mail servers,
    by default with the machine's certificate authorities.
    """

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
    serve_on_s: float = 0
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    ticks: Callable[[], float] = time.monotonic
    fires_schedules: bool = True
    has_idle_cpu: bool = True
    slots: StreamLimit = field(default_factory=StreamLimit)
    invocations_open: bool = False
    tls: ssl.SSLContext | None = None

    @contextlib.asynccontextmanager
    async def serving(self, listening: socket.socket) -> AsyncIterator[int]:
        """Serves and yields the port; on exit it looks at the queue no more, serves on while the front still sends
        requests, and then stops the runs that cannot outlive it."""
        metrics = Metrics()
        dispatcher = self._dispatcher()
        dispatcher.on_end(metrics.count_finished)
        closing = asyncio.Event()
        intake = self._intake(dispatcher, metrics)
        self_test = Hook(trigger=self_test_trigger.TRIGGER, webhook=self_test_trigger.WEBHOOK, secret=self.token)
        hooks = Hooks(
            hooks={**hooks_of(self.bundle, self.secrets), self_test_trigger.NAME: self_test},
            intake=intake,
            closing=closing,
        )
        api = self._api(dispatcher, metrics, hooks, closing)
        work = [self.launcher.watch(dispatcher.on_runner_exit), dispatcher.run(), self._sweep_loop()]
        if self.fires_schedules and self.bundle.agent.schedules:
            work.append(Scheduler(intake=intake, schedules=schedules_of(self.bundle)).run())
        if not self.fires_schedules and (source := self._firing_source()) is not None:
            work.append(FailedFirings(intake=intake, source=source).run())
        work += mail_tasks(intake, self.secrets, self.tls, connection=metrics.set_mailbox_connected)
        tasks = [asyncio.create_task(each) for each in work]
        stopping: asyncio.Task[None] | None = None
        async with serve_app(_application(api), listening, closing=api.closing) as port:
            try:
                yield port
            finally:
                api.stopping.set()
                self.log("stopping", runs=len(self.launcher.running()))
                await _cancel_all(tasks)
                await wait_event(self.hurry, self.serve_on_s)
                stopping = asyncio.create_task(self.launcher.close())
        await intake.deliveries.flush_counts(everything=True)
        await stopping

    def _dispatcher(self) -> Dispatcher:
        run = self.bundle.agent.run
        return Dispatcher(
            store=self.store,
            launcher=self.launcher,
            starts=RunnerStarts(launcher=self.launcher, log=self.log, ticks=self.ticks),
            limits=QueueLimits(
                max_concurrent=run.max_concurrent, skip_when_busy=run.when_busy == "skip", retries=run.retries
            ),
            clock=self.clock,
            log=self.log,
            busy_s=self.busy_s,
            idle_s=self.idle_s,
            ticks=self.ticks,
            starts_in_request=not self.has_idle_cpu,
        )

    def _intake(self, dispatcher: Dispatcher, metrics: Metrics) -> Intake:
        def count(delivery: Delivery) -> None:
            metrics.count_delivery(delivery.kind, delivery.outcome)

        return Intake(
            store=self.store,
            bundle=self.bundle,
            dispatcher=dispatcher,
            deliveries=DeliveryLog(self.store, clock=self.clock, log=self.log, on_delivery=count),
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
            wake=CoalescedCall(act=dispatcher.reconcile_full, log=self.log, ticks=self.ticks),
            log=self.log,
            token=self.token,
            pace=self.pace or poll_interval(self.store),
            closing=closing,
            slots=self.slots,
            invocations_open=self.invocations_open,
        )

    def _firing_source(self) -> FiringSource | None:
        """The platform, if it fires the agent's schedules and lists their ended containers."""
        platform = self.launcher.platform if isinstance(self.launcher, PlatformLauncher) else None
        return platform if self.bundle.agent.schedules and isinstance(platform, FiringSource) else None

    async def _sweep_loop(self) -> None:
        while self.sweep_after_s is not None:
            await log_errors(lambda: self._sweep(self.sweep_after_s or 0), "deleting expired objects", log=self.log)
            await asyncio.sleep(SWEEP_S)

    async def _sweep(self, keep_s: int) -> None:
        if removed := await delete_expired(self.store, now=self.clock(), keep_s=keep_s):
            self.log("deleted expired objects", objects=removed)


def _application(api: ApiContext) -> ASGIApp:
    starlette = Starlette(routes=all_routes(api), exception_handlers=exception_handlers(api.log, api.redact))
    starlette.router.redirect_slashes = False
    also_open = (INVOCATIONS_PATH,) if api.invocations_open else ()
    return AuthMiddleware(
        app=starlette, token=api.token, log=api.log, metrics=api.metrics, redact=api.redact, also_open=also_open
    )


async def _cancel_all(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancels until all have ended: before Python 3.12, asyncio.wait_for may lose a cancellation that coincides with
    its result (https://github.com/python/cpython/issues/86296)."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=1)
    await asyncio.gather(*tasks, return_exceptions=True)
