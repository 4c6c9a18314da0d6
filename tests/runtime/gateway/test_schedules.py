"""The gateway's own schedules: each time once, and what was missed as the spec says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from gateways import ByHand, gateway, until
from runs import Bench, shell

from unmoor.runtime.errors import TransientError
from unmoor.runtime.gateway.metrics import Metrics
from unmoor.runtime.gateway.queue.dispatcher import Dispatcher, QueueLimits
from unmoor.runtime.gateway.queue.start_attempts import RunnerStarts
from unmoor.runtime.gateway.triggers.intake import Intake
from unmoor.runtime.gateway.triggers.schedules import Scheduler, schedules_of
from unmoor.runtime.state import keys as layout
from unmoor.runtime.state.delivery_log import DeliveryLog
from unmoor.runtime.state.delivery_pages import delivery_page
from unmoor.runtime.state.run_record import RunRecord, read_record
from unmoor.runtime.store import Store, open_store

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Machine:
    """A gateway's scheduler over a store, on a clock that the test moves; `restarted` is another one after it."""

    folder: Path
    schedule: dict[str, Any]
    at: datetime = START
    more: dict[str, Any] = field(default_factory=dict)
    store: Any = None
    benches: int = 0

    def __post_init__(self) -> None:
        self.store = self.store or open_store((self.folder / "store").as_uri())
        self.schedules = self.restarted()

    def restarted(self, **schedule: Any) -> Scheduler:
        self.benches += 1
        trigger = {"name": "tick", "prompt": "At {{ event.scheduled }}", "schedule": {**self.schedule, **schedule}}
        bundle = Bench(self.folder / f"bench-{self.benches}", shell("cat", triggers=[trigger], **self.more))._bundle()
        log = lambda message, **fields: None  # noqa: E731
        run = bundle.agent.run
        limits = QueueLimits(
            max_concurrent=run.max_concurrent, skip_when_busy=run.when_busy == "skip", retries=run.retries
        )
        store: Store = self.store
        launcher = ByHand(store)
        starts = RunnerStarts(launcher=launcher, log=log)
        dispatcher = Dispatcher(store=store, launcher=launcher, starts=starts, limits=limits, clock=self.clock, log=log)
        intake = Intake(
            store=store,
            bundle=bundle,
            dispatcher=dispatcher,
            deliveries=DeliveryLog(store, clock=self.clock, log=log),
            clock=self.clock,
            redact=lambda text: text,
            metrics=Metrics(),
            log=log,
        )
        self.schedules = Scheduler(intake=intake, schedules=schedules_of(bundle))
        return self.schedules

    def clock(self) -> datetime:
        return self.at

    async def look(self, *, after: timedelta = timedelta(0), until: datetime | None = None) -> None:
        self.at = until or self.at + after
        await self.schedules.fire_due()

    async def runs(self) -> list[RunRecord]:
        keys = [e.key async for e in self.store.list("runs/") if e.key.endswith("/run.json")]
        records = [read_record(key.split("/")[1], (await self.store.get(key)).content) for key in keys]
        return sorted(records, key=lambda record: record.created_at)

    async def prompts(self) -> list[str]:
        return [record.prompt.removeprefix("At ") for record in await self.runs()]

    async def told(self) -> list[tuple[str, str, int]]:
        page = await delivery_page(self.store, limit=100)
        return [(line["outcome"], line["reason"], line["times"]) for line in page.deliveries]


def on(machine: Machine, act: Callable[[Machine], Awaitable[Any]]) -> Any:
    async def whole() -> Any:
        return await act(machine)

    return asyncio.run(whole())


SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def test_each_time_starts_one_run_that_says_which_time_it_is(tmp_path: Path) -> None:
    async def act(machine: Machine) -> None:
        for _ in range(100):
            await machine.look(after=6 * SECOND)
        times = [START + n * 2 * MINUTE for n in range(1, 6)]
        assert await machine.prompts() == [at.isoformat() for at in times]
        assert {(r.trigger, r.kind) for r in await machine.runs()} == {("tick", "schedule")}
        assert await machine.told() == [("accepted", "", 1)] * 5
        page = await delivery_page(machine.store, limit=1)
        assert page.deliveries[0]["id"] == times[-1].isoformat()
        assert page.deliveries[0]["kind"] == "schedule"

    on(Machine(tmp_path, {"cron": "*/2 * * * *"}), act)


def test_a_schedule_that_is_new_has_missed_nothing_and_neither_has_one_that_was_changed(tmp_path: Path) -> None:
    async def act(machine: Machine) -> None:
        await machine.look()
        machine.restarted(cron="*/7 * * * *")
        await machine.look(after=30 * MINUTE)
        machine.restarted(cron="*/7 * * * *", timezone="Asia/Kolkata")
        await machine.look(after=30 * MINUTE)
        assert (await machine.prompts(), await machine.told()) == ([], [])

    on(Machine(tmp_path, {"cron": "*/2 * * * *", "missed": "run_once"}), act)


@pytest.mark.parametrize(
    ("missed", "runs", "told"),
    [
        ("skip", [], [("skipped", "no gateway could fire it at that time; schedule.missed is skip", 3)]),
        (
            "run_once",
            ["2026-03-01T15:00:00+00:00"],
            [
                (
                    "skipped",
                    "no gateway could fire it at that time; one run replaces all since 2026-03-01T13:00:00+00:00",
                    2,
                ),
                ("accepted", "", 1),
            ],
        ),
    ],
)
def test_times_that_were_missed_are_skipped_or_have_one_run(
    tmp_path: Path, missed: str, runs: list[str], told: list[Any]
) -> None:
    async def act(machine: Machine) -> None:
        await machine.look()
        machine.restarted()
        await machine.look(after=timedelta(hours=3, minutes=20))
        machine.restarted()
        await machine.look(after=MINUTE)
        assert (await machine.prompts(), sorted(await machine.told())) == (runs, sorted(told))
        await machine.look(until=START + timedelta(hours=4))
        assert len(await machine.runs()) == len(runs) + 1

    on(Machine(tmp_path, {"cron": "0 * * * *", "missed": missed}), act)


def test_without_a_word_what_was_missed_is_skipped(tmp_path: Path) -> None:
    async def act(machine: Machine) -> int:
        await machine.look()
        await machine.look(after=timedelta(hours=3, minutes=20))
        return len(await machine.runs())

    assert on(Machine(tmp_path, {"cron": "0 * * * *"}), act) == 0


@pytest.mark.parametrize(("late_s", "runs"), [(0, 1), (30, 1), (31, 0)])
def test_a_gateway_that_is_back_within_half_a_minute_has_missed_nothing(tmp_path: Path, late_s: int, runs: int) -> None:
    async def act(machine: Machine) -> int:
        await machine.look()
        machine.restarted()
        await machine.look(after=timedelta(hours=1, seconds=late_s))
        return len(await machine.runs())

    assert on(Machine(tmp_path, {"cron": "0 * * * *"}), act) == runs


def test_two_gateways_fire_a_time_once(tmp_path: Path) -> None:
    async def act(machine: Machine) -> None:
        one, two = machine.schedules, machine.restarted()
        for _ in range(4):
            await asyncio.gather(one.fire_due(), two.fire_due())
            machine.at += timedelta(hours=1)
        assert len(await machine.runs()) == 3
        assert [outcome for outcome, _, _ in await machine.told()].count("accepted") == 3

    on(Machine(tmp_path, {"cron": "0 * * * *"}), act)


class Cut:
    """A store that is cut off at the first write of a key that begins so."""

    def __init__(self, inner: Store, prefix: str) -> None:
        self.inner, self.prefix = inner, prefix

    def __getattr__(self, name: str) -> Any:
        act = getattr(self.inner, name)
        if name not in ("put", "create", "replace"):
            return act

        async def cut(key: str, *rest: Any) -> Any:
            if self.prefix and key.startswith(self.prefix):
                self.prefix = ""
                raise TransientError("store: it was away")
            return await act(key, *rest)

        return cut


@pytest.mark.parametrize("prefix", ["deliveries/tick/", "queue/run-", "runs/", "queue/schedules/"])
def test_a_gateway_that_falls_anywhere_while_it_fires_has_one_run_when_it_is_back(tmp_path: Path, prefix: str) -> None:
    store = Cut(open_store((tmp_path / "store").as_uri()), "")

    async def act(machine: Machine) -> None:
        await machine.look()
        store.prefix = prefix
        await machine.look(after=timedelta(hours=1))
        machine.restarted()
        await machine.look(after=10 * SECOND)
        await machine.schedules.intake.dispatcher.reconcile()
        assert await machine.prompts() == ["2026-03-01T13:00:00+00:00"]
        machine.restarted()
        await machine.look(after=SECOND)
        assert len(await machine.runs()) == 1

    on(Machine(tmp_path, {"cron": "0 * * * *"}, store=store), act)


def test_a_store_that_is_away_at_the_time_is_asked_again(tmp_path: Path) -> None:
    store = Cut(open_store((tmp_path / "store").as_uri()), "")

    async def act(machine: Machine) -> list[str]:
        await machine.look()
        store.prefix = "deliveries/"
        await machine.look(after=timedelta(hours=1))
        await machine.look(after=6 * SECOND)
        return await machine.prompts()

    assert on(Machine(tmp_path, {"cron": "0 * * * *"}, store=store), act) == ["2026-03-01T13:00:00+00:00"]


def test_what_the_store_holds_of_a_schedule_may_be_anything(tmp_path: Path) -> None:
    async def act(machine: Machine) -> int:
        until = b'{"cron": "0 * * * *", "timezone": "UTC", "until": %s}'
        for content in (b"", b"[]", b"{}", until % b"1", until % b'"2026-01-01"'):
            await machine.store.put(layout.schedule_cursor_key("tick"), content)
            machine.restarted()
            await machine.look(after=timedelta(hours=2))
        await machine.look(until=machine.at + timedelta(hours=1))
        return len(await machine.runs())

    assert on(Machine(tmp_path, {"cron": "0 * * * *"}), act) == 1


@pytest.mark.parametrize(
    ("zone", "cron", "begin", "fired"),
    [
        # In Paris the clock goes from 02:00 to 03:00 on 29 March 2026, and from 03:00 back to 02:00 on 25 October.
        ("Europe/Paris", "30 2 * * *", "2026-03-28T00:00", ["28T01:30", "29T01:00", "30T00:30"]),
        ("Europe/Paris", "30 2 * * *", "2026-10-24T00:00", ["24T00:30", "25T00:30", "26T01:30"]),
        ("Europe/Paris", "0 3 * * *", "2026-03-28T00:00", ["28T02:00", "29T01:00", "30T01:00"]),
        ("Europe/Paris", "0 */12 * * *", "2026-03-28T12:00", ["28T23:00", "29T10:00", "29T22:00"]),
        ("UTC", "30 2 * * *", "2026-03-28T00:00", ["28T02:30", "29T02:30", "30T02:30"]),
        ("Asia/Kolkata", "0 9 * * *", "2026-03-28T00:00", ["28T03:30", "29T03:30", "30T03:30"]),
    ],
)
def test_a_time_is_one_of_its_zone(tmp_path: Path, zone: str, cron: str, begin: str, fired: list[str]) -> None:
    async def act(machine: Machine) -> list[str]:
        await machine.look()
        while len(await machine.runs()) < 3:
            await machine.look(after=10 * MINUTE)
        return [prompt[8:16] for prompt in await machine.prompts()]

    at = datetime.fromisoformat(begin).replace(tzinfo=UTC)
    assert on(Machine(tmp_path, {"cron": cron, "timezone": zone}, at=at), act) == fired


def test_a_time_each_hour_is_once_in_each_hour_that_passes_whatever_the_clock_says(tmp_path: Path) -> None:
    async def act(machine: Machine) -> int:
        await machine.look()
        for _ in range(48):
            await machine.look(after=30 * MINUTE)
        return len(await machine.runs())

    at = datetime(2026, 10, 24, 22, 5, tzinfo=UTC)
    assert on(Machine(tmp_path, {"cron": "5 * * * *", "timezone": "Europe/Paris"}, at=at), act) == 24


def test_a_time_at_which_all_runs_are_taken_is_skipped_where_the_spec_says_so(tmp_path: Path) -> None:
    async def act(machine: Machine) -> None:
        await machine.look()
        await machine.look(after=timedelta(hours=1))
        await machine.look(after=timedelta(hours=1))
        assert len(await machine.runs()) == 1
        assert await machine.told() == [
            ("skipped", "1 runs are active, which is run.max_concurrent, and run.when_busy is skip", 1),
            ("accepted", "", 1),
        ]

    run = {"max_concurrent": 1, "when_busy": "skip"}
    on(Machine(tmp_path, {"cron": "0 * * * *"}, more={"run": run}), act)


def test_a_gateway_fires_at_the_time_and_leaves_it_to_the_platform_where_that_does(tmp_path: Path) -> None:
    ahead = timedelta(0)
    trigger = {"name": "tick", "prompt": "p", "schedule": {"cron": "0 0 1 1 *"}}

    def clock() -> datetime:
        return datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC) + ahead

    async def act(folder: Path, *, fires: bool) -> list[str]:
        nonlocal ahead
        ahead = timedelta(0)
        async with gateway(folder, triggers=[trigger], clock=clock, fires=fires) as client:
            if fires:
                await until(lambda: client.store.get(layout.schedule_cursor_key("tick")))
            ahead = timedelta(seconds=1)
            if fires:
                await until(lambda: bool(client.launcher.started))
            await client.start()
            await until(lambda: len(client.launcher.started) == (2 if fires else 1))
            return [run["trigger"]["kind"] for run in (await client.get("/runs")).json["runs"]]

    assert sorted(asyncio.run(act(tmp_path / "gateway", fires=True))) == ["api", "schedule"]
    assert asyncio.run(act(tmp_path / "platform", fires=False)) == ["api"]
