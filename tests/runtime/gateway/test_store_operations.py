"""What a run and an idle gateway cost in operations of a bucket: an hour and a day of real parts, skipped through."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from counting_store import CountingStore
from gateways import gateway, until
from runs import PROGRAMS, Bench, NoWay, shell
from skipping_loop import now, run_skipping, skip

from unmoor.cost import workload
from unmoor.pricing.usage import Usage
from unmoor.runtime.errors import TransientError
from unmoor.runtime.gateway.launchers.protocol import OnExit, RunnerExit
from unmoor.runtime.gateway.queue.dispatcher import Dispatcher, QueueLimits
from unmoor.runtime.gateway.queue.look_times import LIST_S, SETTLING_LIST_S, SETTLING_S, SILENT_S, WAITING_S
from unmoor.runtime.gateway.queue.start_attempts import RunnerStarts
from unmoor.runtime.gateway.triggers.email.outbox import Outbox
from unmoor.runtime.guard.budget.ledger import Ledger, LedgerTimeouts, Reservation
from unmoor.runtime.run.context import RunContext, timeouts_for
from unmoor.runtime.run.event_log import QUIET_FLUSH_S
from unmoor.runtime.run.lease import acquire_lease
from unmoor.runtime.run.lifecycle import execute_run
from unmoor.runtime.run.sessions import acquire_session
from unmoor.runtime.run.stop import Stop
from unmoor.runtime.state import keys
from unmoor.runtime.state.dedup import claim_dedup_key
from unmoor.runtime.state.event_feed import Feed
from unmoor.runtime.state.finish import EXITED, request_cancel
from unmoor.runtime.state.follow import FOLLOWED_FOR, followed_reader
from unmoor.runtime.state.lease_times import REMOTE
from unmoor.runtime.state.queue_entry import enqueue_run
from unmoor.runtime.state.run_record import RunRecord, load_record
from unmoor.runtime.store import Store

HOUR_S, STEP_S = 3600, 4
# A pipe in its workspace tells this harness what to print.
PIPED = shell("mkfifo pipe && echo ready && exec cat pipe", run={"timeout": "2h", "artifacts": ["*.txt"]})


class Mortal:
    """A runner's way to the store, which ends with the runner."""

    def __init__(self, store: Store) -> None:
        self.store, self.is_dead = store, False

    def __getattr__(self, name: str) -> Any:
        if self.is_dead:
            raise TransientError("the runner is dead")
        return getattr(self.store, name)


@dataclass
class InThisLoop:
    """A launcher whose runners are tasks here, and which delivers a cancellation as a platform does: by SIGTERM."""

    bundle: Any
    store: Store
    root: Path
    events: list[dict[str, Any]] = field(default_factory=list)
    tasks: dict[str, asyncio.Task[Any]] = field(default_factory=dict)
    stops: dict[str, Stop] = field(default_factory=dict)
    on_exit: OnExit = lambda exited: None
    reached: Mortal = field(init=False)

    def __post_init__(self) -> None:
        self.reached = Mortal(self.store)

    async def start(self, run: str) -> None:
        host = RunContext(
            store=cast(Store, self.reached),
            bundle=self.bundle,
            secrets={},
            guard=NoWay(),
            work_root=self.root / "work",
            in_image=False,
            programs=PROGRAMS,
            owner="runner",
            watch=self.events.append,
            clock=now,
            timeouts=timeouts_for(self.store, is_launched=True),
        )
        self.stops[run] = Stop()
        self.tasks[run] = asyncio.create_task(execute_run(run, host, self.stops[run]))
        self.tasks[run].add_done_callback(lambda task: self._ended(run))

    def kill(self, run: str) -> None:
        """The runner is gone without a word: nothing of it writes any more."""
        self.reached.is_dead = True
        self.tasks[run].cancel()

    def _ended(self, run: str) -> None:
        task = self.tasks.pop(run)
        failed = task.cancelled() or task.exception() is not None
        self.on_exit(RunnerExit(run=run, code=int(failed), detail=""))

    async def stop(self, run: str) -> None:
        self.stops[run].request("stopped", grace_s=2, within_s=6.5)

    async def cancel(self, run: str) -> None:
        await self.stop(run)

    def running(self) -> frozenset[str]:
        return frozenset(self.tasks)

    async def watch(self, on_exit: OnExit) -> None:
        self.on_exit = on_exit

    async def close(self) -> None: ...


@dataclass
class Place:
    """A gateway's dispatcher over a bucket, and one run whose harness prints what the test writes into its pipe."""

    root: Path
    store: CountingStore = field(default_factory=CountingStore)
    launcher: InThisLoop = field(init=False)
    dispatcher: Dispatcher = field(init=False)
    record: RunRecord = field(init=False)

    def __post_init__(self) -> None:
        bench = Bench(self.root, PIPED)
        self.launcher = InThisLoop(bench._bundle(), self.store, self.root)
        starts = RunnerStarts(launcher=self.launcher, log=_log, ticks=asyncio.get_running_loop().time)
        self.record = bench._record(self.launcher.bundle.sha256, "hello", "a session")
        self.dispatcher = Dispatcher(
            store=self.store,
            launcher=self.launcher,
            starts=starts,
            limits=QueueLimits(max_concurrent=1, skip_when_busy=False, retries=0),
            clock=now,
            log=_log,
            ticks=asyncio.get_running_loop().time,
        )

    async def start(self) -> int:
        """Accepts the run as a delivery's, waits until its harness runs, and returns the pipe."""
        await self.enqueue()
        return await self.opened()

    async def enqueue(self) -> None:
        run = await claim_dedup_key(self.store, keys.delivery_dedup_key("hook", "one"), self.record.id)
        assert run == self.record.id
        await self.dispatcher.enqueue(self.record)

    async def opened(self) -> int:
        await until(lambda: any(e.get("text") == "ready" for e in self.launcher.events), within=20)
        (pipe,) = (self.root / "work").rglob("pipe")
        return os.open(pipe, os.O_RDWR | os.O_NONBLOCK)  # also before its reader has opened it

    async def say(self, pipe: int, text: str) -> None:
        count = len(self.launcher.events)
        os.write(pipe, text.encode() + b"\n")
        await until(lambda: len(self.launcher.events) > count)

    async def stored_events(self) -> list[str]:
        """The texts that a reader finds in the store, which it asks past the counter."""
        events = await Feed(store=self.store.store, run=self.record.id, after=0).read_new()
        return [event.get("text", event["type"]) for event in events]

    async def read(self) -> RunRecord:
        loaded = await load_record(self.store, self.record.id)
        assert loaded is not None
        return loaded[0]

    def now_s(self) -> float:
        return now().timestamp()

    async def status(self) -> str:
        loaded = await load_record(self.store.store, self.record.id)
        assert loaded is not None
        return loaded[0].status


def _log(message: str, **fields: Any) -> None: ...


def within(root: Path, act: Callable[[Place], Awaitable[None]]) -> None:
    async def work() -> None:
        place = Place(root)
        await place.launcher.watch(place.dispatcher.on_runner_exit)
        dispatching = asyncio.create_task(place.dispatcher.run())
        try:
            await act(place)
        finally:
            dispatching.cancel()
            for stop in place.launcher.stops.values():
                stop.request("stopped", grace_s=0, within_s=1)
            await asyncio.gather(dispatching, *place.launcher.tasks.values(), return_exceptions=True)

    run_skipping(work())


async def pause(seconds: float, *, step_s: float = STEP_S) -> None:
    """Skips so many seconds in steps, in which everything that is due does its work."""
    for _ in range(round(seconds / step_s)):
        skip(step_s)
        await asyncio.sleep(0.002)


async def end(place: Place, pipe: int) -> None:
    os.close(pipe)
    await until(lambda: not place.launcher.tasks, within=20)
    await pause(60)


@pytest.mark.parametrize(("per_day", "most"), [(None, 200), (Decimal(100), 210)])
def test_an_hour_of_a_run_takes_at_most_200_operations_and_10_more_for_a_cap(
    tmp_path: Path, per_day: Decimal | None, most: int
) -> None:
    """With a line of its harness every 4 s, a session, and 20 metered calls of the model, nobody following. The gateway
    has been up for long. Each call of the model is beyond the last one's hold on the day's budget."""

    async def act(place: Place) -> None:
        capped = replace(place.launcher.bundle.agent, budget_per_day_usd=per_day)
        ledger = Ledger(capped, store=place.store, clock=now, times=LedgerTimeouts())
        await pause(SETTLING_S)
        place.store.counts.clear()
        pipe = await place.start()
        for step in range(HOUR_S // STEP_S):
            if step % 45 == 0:
                reserved = await ledger.reserve(place.record.id, Decimal("0.02"))
                assert isinstance(reserved, Reservation)
                reserved.commit(Decimal("0.01"))
            await place.say(pipe, f"line {step}")
            await pause(STEP_S)
        await end(place, pipe)
        await ledger.close()
        assert await place.status() == "succeeded"
        assert len(await place.stored_events()) == HOUR_S // STEP_S + 3
        assert [e.key async for e in place.store.store.list("queue/")] == []
        assert place.store.charged <= most, dict(place.store.counts)
        _assert_reckoned(capped, place.store)

    within(tmp_path, act)


def _assert_reckoned(plan: Any, store: CountingStore) -> None:
    """The calculators reckon with as much as was counted, and with at most a fifth more."""
    usage = Usage(runs=Decimal(1), minutes=Decimal(60), model_calls=Decimal(20))
    listed = Decimal(HOUR_S) / workload.LIST_S
    for counted, reckoned in (
        (store.counts["write"] + store.counts["list"], workload.store_writes(plan, usage) + listed),
        (store.counts["read"], workload.store_reads(plan, usage)),
    ):
        assert counted <= reckoned <= counted * 1.2


def test_without_a_follower_an_event_is_stored_within_75_seconds(tmp_path: Path) -> None:
    """So a runner that is killed loses no event that is older."""

    async def act(place: Place) -> None:
        pipe = await place.start()
        said: list[float] = []
        for _ in range(300):
            await place.say(pipe, str(len(said)))
            said.append(place.now_s())
            await pause(STEP_S)
            stored = sum(text.isdigit() for text in await place.stored_events())
            assert all(place.now_s() - at <= QUIET_FLUSH_S + STEP_S for at in said[stored:])
        await end(place, pipe)

    within(tmp_path, act)


@pytest.mark.parametrize("after_s", [0, 1200])
def test_a_follower_gets_events_within_2_seconds_once_the_runner_knows(tmp_path: Path, after_s: int) -> None:
    """A follower from the start at once; one of a run that goes on for long waits for a renewal of the lease."""

    async def act(place: Place) -> None:
        look = followed_reader(place.store, place.read, clock=now)
        await place.enqueue()
        if not after_s:
            await look()
        pipe = await place.opened()
        await pause(after_s)
        await look()
        await pause(REMOTE.renew_s + STEP_S if after_s else 0)
        for number in range(200):
            await look()
            await place.say(pipe, f"line {number}")
            await pause(2, step_s=0.5)
            assert f"line {number}" in await place.stored_events()
        await end(place, pipe)

    within(tmp_path, act)


def test_a_follower_who_left_costs_nothing_for_long(tmp_path: Path) -> None:
    async def act(place: Place) -> None:
        pipe = await place.start()
        await pause(600)
        await followed_reader(place.store, place.read, clock=now)()
        await pause(REMOTE.renew_s + FOLLOWED_FOR.total_seconds())
        place.store.counts.clear()
        for number in range(75):
            await place.say(pipe, f"line {number}")
            await pause(STEP_S)
        assert place.store.counts["write"] <= 10
        await end(place, pipe)

    within(tmp_path, act)


def test_a_cancellation_is_heard_within_10_seconds(tmp_path: Path) -> None:
    async def act(place: Place) -> None:
        await place.start()
        await pause(1200)
        await place.dispatcher.cancel(place.record.id)
        await pause(8, step_s=0.5)
        await until(lambda: not place.launcher.tasks)
        assert await place.status() == "cancelled"

    within(tmp_path, act)


def test_a_cancellation_past_every_gateway_is_heard_at_the_next_renewal(tmp_path: Path) -> None:
    """As `unmoor cancel --store` makes it."""

    async def act(place: Place) -> None:
        await place.start()
        await pause(1200)
        await request_cancel(place.store, place.record.id, clock=now)
        await pause(REMOTE.renew_s + 8)
        await until(lambda: not place.launcher.tasks)
        assert await place.status() == "cancelled"

    within(tmp_path, act)


def test_a_session_is_held_as_long_as_the_run_of_its_holder(tmp_path: Path) -> None:
    async def act(place: Place) -> None:
        pipe = await place.start()
        await pause(REMOTE.lease_s * 2)
        assert await acquire_session(place.store, "a session", "run-b", clock=now) == place.record.id
        await end(place, pipe)
        assert not isinstance(await acquire_session(place.store, "a session", "run-b", clock=now), str)

    within(tmp_path, act)


def test_a_runner_that_exits_without_a_result_has_lost_its_run_before_its_lease_expires(tmp_path: Path) -> None:
    async def act(place: Place) -> None:
        await place.start()
        await pause(600)
        place.launcher.kill(place.record.id)
        await until(lambda: not place.launcher.tasks, within=20)
        await pause(SILENT_S + 20)
        loaded = await load_record(place.store.store, place.record.id)
        assert loaded is not None
        assert (loaded[0].status, loaded[0].reason) == ("lost", EXITED)
        assert not isinstance(await acquire_session(place.store, "a session", "run-b", clock=now), str)
        assert (await place.stored_events())[-1] == "run.finished"

    within(tmp_path, act)


def test_a_run_whose_container_was_killed_before_it_could_end_as_cancelled_is_cancelled(tmp_path: Path) -> None:
    async def act(place: Place) -> None:
        await place.start()
        await pause(600)
        await request_cancel(place.store, place.record.id, clock=now)
        place.launcher.kill(place.record.id)
        await until(lambda: not place.launcher.tasks, within=20)
        await pause(SILENT_S + 20)
        assert await place.status() == "cancelled"
        assert (await place.stored_events())[-1] == "run.finished"

    within(tmp_path, act)


def test_a_second_runner_that_exits_does_not_lose_the_run_of_the_first(tmp_path: Path) -> None:
    """Two gateways may start one run twice: the one that does not get the lease exits."""

    async def act(place: Place) -> None:
        pipe = await place.start()
        await pause(600)
        place.dispatcher.on_runner_exit(RunnerExit(run=place.record.id, code=1, detail=""))
        await pause(SILENT_S * 3)
        assert await place.status() == "running"
        await end(place, pipe)
        assert await place.status() == "succeeded"

    within(tmp_path, act)


def test_a_run_that_was_put_into_the_queue_past_this_gateway_starts(tmp_path: Path) -> None:
    """Within 15 s while the gateway before it may still accept runs, later within 5 minutes."""

    async def act(place: Place) -> None:
        await pause(SETTLING_S + LIST_S)
        await enqueue_run(place.store, place.record)
        await pause(LIST_S)
        await until(lambda: place.launcher.tasks)

    async def act_soon(place: Place) -> None:
        await pause(60)
        await enqueue_run(place.store, place.record)
        await pause(SETTLING_LIST_S + STEP_S)
        await until(lambda: place.launcher.tasks)

    within(tmp_path / "late", act)
    within(tmp_path / "soon", act_soon)


def test_a_waiting_run_starts_within_10_seconds_of_the_end_that_it_waits_for(tmp_path: Path) -> None:
    """Even if this gateway does not learn that the runner of another gateway has exited."""

    async def act(place: Place) -> None:
        await pause(SETTLING_S)
        other = replace(place.record, id=keys.run_id(now(), 1), session="")
        await enqueue_run(place.store, other)
        lease = await acquire_lease(place.store, other.id, owner="elsewhere", clock=now)
        await place.dispatcher.reconcile_full()
        await place.dispatcher.enqueue(place.record)
        await pause(60)
        assert await place.status() == "queued"
        await lease.update(status="succeeded", ended_at=now())
        await pause(WAITING_S + STEP_S)
        await until(lambda: place.launcher.tasks)

    within(tmp_path, act)


def test_a_waiting_run_starts_soon_though_the_end_of_the_first_runner_is_not_reported(tmp_path: Path) -> None:
    """A platform may take long to report a container's end; the record has it."""

    async def act(place: Place) -> None:
        pipe = await place.start()
        await pause(SETTLING_S + 2 * SETTLING_LIST_S)
        place.launcher.on_exit = lambda exited: None
        second = replace(place.record, id=keys.run_id(now(), 1), session="")
        await place.dispatcher.enqueue(second)
        await pause(30)
        os.close(pipe)
        await until(lambda: not place.launcher.tasks, within=20)
        await pause(WAITING_S + STEP_S)
        await until(lambda: second.id in place.launcher.tasks)

    within(tmp_path, act)


def test_a_delivery_is_not_skipped_for_a_run_that_has_ended_elsewhere(tmp_path: Path) -> None:
    """With run.when_busy skip, what counts is the store, and not what the gateway read some minutes ago."""

    async def act(place: Place) -> None:
        place.dispatcher.limits = replace(place.dispatcher.limits, skip_when_busy=True)
        other = replace(place.record, id=keys.run_id(now(), 1), session="")
        await enqueue_run(place.store, other)
        lease = await acquire_lease(place.store, other.id, owner="elsewhere", clock=now)
        await place.dispatcher.reconcile_full()
        assert not await place.dispatcher.enqueue(place.record)
        await lease.update(status="succeeded", ended_at=now())
        assert await place.dispatcher.enqueue(place.record)

    within(tmp_path, act)


def test_an_idle_gateway_takes_at_most_20_000_operations_a_month(tmp_path: Path) -> None:
    """Everything that it does in a day, with a mailbox that sends replies and a schedule that does not fire."""

    async def act() -> None:
        store = CountingStore()
        ticks = asyncio.get_running_loop().time
        trigger = {"name": "tick", "prompt": "Go.", "schedule": {"cron": "0 0 1 1 *"}}
        async with gateway(tmp_path, store=store, triggers=[trigger], clock=now, ticks=ticks) as client:
            mailboxes: Any = {"mail": SimpleNamespace(smtp_host="mail.example.com")}
            tls = ssl.create_default_context()
            outbox = Outbox(store=store, mailboxes=mailboxes, passwords={}, context=tls, clock=now, log=_log)
            sending = asyncio.create_task(outbox.run())
            await pause(SETTLING_S)
            store.counts.clear()
            await pause(24 * HOUR_S, step_s=10)
            sending.cancel()
            assert client.logged == []
        assert store.charged * Decimal(730) / 24 <= 20_000, dict(store.counts)

    run_skipping(act())
