"""What every launcher promises, whatever starts its runs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from gateways import until
from platforms import NAMES, Told, World, world

from unmoor.runtime.errors import ConfigurationError, TransientError
from unmoor.runtime.gateway.launchers.protocol import Launcher

RUN, OTHER = "run-ybqr5rxvt-5z939m3", "run-ybqr5rxvt-5z939m4"
ELSEWHERE = [name for name in NAMES if name != "process"]

every = pytest.mark.parametrize("name", NAMES)
elsewhere = pytest.mark.parametrize("name", ELSEWHERE)


@contextlib.asynccontextmanager
async def attended(place: World) -> AsyncIterator[tuple[Launcher, Told]]:
    """A launcher of a gateway that goes on, and what it hears."""
    launcher, told = place.launcher(), Told()
    attending = asyncio.create_task(launcher.watch(told))
    try:
        yield launcher, told
    finally:
        attending.cancel()
        await asyncio.gather(attending, return_exceptions=True)


def play(name: str, folder: Path, act: Any) -> None:
    async def whole() -> None:
        async with world(name, folder) as place, attended(place) as (launcher, told):
            await act(place, launcher, told)

    asyncio.run(whole())


@every
def test_a_run_is_started_by_its_id_and_by_nothing_else(name: str, tmp_path: Path) -> None:
    async def act(place: World, launcher: Launcher, told: Told) -> None:
        await launcher.start(RUN)
        await until(lambda: place.started() == [f"run {RUN}"])
        assert launcher.running() == {RUN}

    play(name, tmp_path, act)


@every
def test_a_run_that_is_on_its_way_is_not_started_again(name: str, tmp_path: Path) -> None:
    async def act(place: World, launcher: Launcher, told: Told) -> None:
        await asyncio.gather(*(launcher.start(RUN) for _ in range(5)))
        await launcher.start(OTHER)
        await until(lambda: sorted(place.started()) == [f"run {RUN}", f"run {OTHER}"])
        await launcher.start(RUN)
        assert len(place.started()) == 2

    play(name, tmp_path, act)


@elsewhere
def test_a_gateway_that_was_started_again_starts_no_run_again(name: str, tmp_path: Path) -> None:
    async def act(place: World, launcher: Launcher, told: Told) -> None:
        await launcher.start(RUN)
        async with attended(place) as (next_one, _):
            await next_one.start(RUN)
            assert place.started() == [f"run {RUN}"]
            assert next_one.running() == {RUN}

    play(name, tmp_path, act)


@elsewhere
def test_a_gateway_that_was_started_again_knows_what_goes_on_and_hears_how_it_ends(name: str, tmp_path: Path) -> None:
    async def act(place: World, launcher: Launcher, told: Told) -> None:
        await launcher.start(RUN)
        async with attended(place) as (next_one, heard):
            await until(lambda: next_one.running() == {RUN})
            await place.finish(RUN, 0)
            await until(lambda: next_one.running() == frozenset())
            assert [(e.run, e.code) for e in heard.exits] == [(RUN, 0)]

    play(name, tmp_path, act)


@every
def test_a_runner_that_ended_is_heard_of_once_with_its_code_and_complaint(name: str, tmp_path: Path) -> None:
    async def act(place: World, launcher: Launcher, told: Told) -> None:
        await launcher.start(RUN)
        await launcher.start(OTHER)
        await place.finish(RUN, 3)
        await until(lambda: told.exits)
        [exited] = told.exits
        assert (exited.run, exited.code, exited.no_capacity) == (RUN, 3 if place.codes else 1, False)
        assert "as the test says" in exited.detail
        assert launcher.running() == {OTHER}

    play(name, tmp_path, act)


@every
def test_a_run_whose_runner_has_ended_is_started_anew(name: str, tmp_path: Path) -> None:
    async def act(place: World, launcher: Launcher, told: Told) -> None:
        await launcher.start(RUN)
        await place.finish(RUN, 2)
        await until(lambda: told.exits)
        await launcher.start(RUN)
        await until(lambda: place.started() == [f"run {RUN}"] * 2)

    play(name, tmp_path, act)


@pytest.mark.parametrize("cancelled", [False, True])
@every
def test_a_runner_that_is_stopped_ends(name: str, cancelled: bool, tmp_path: Path) -> None:
    """This runner does not handle the signal by which a process hears of a cancellation, so that it ends as well."""

    async def act(place: World, launcher: Launcher, told: Told) -> None:
        await launcher.start(RUN)
        await until(lambda: place.started())
        await (launcher.cancel if cancelled else launcher.stop)(RUN)
        await until(lambda: launcher.running() == frozenset())
        assert [e.run for e in told.exits] == [RUN]
        assert told.exits[0].code != 0

    play(name, tmp_path, act)


@every
def test_to_stop_what_is_not_there_does_nothing(name: str, tmp_path: Path) -> None:
    async def act(place: World, launcher: Launcher, told: Told) -> None:
        await launcher.start(RUN)
        await launcher.stop(OTHER)
        await until(lambda: place.started())
        assert launcher.running() == {RUN}

    play(name, tmp_path, act)


@elsewhere
def test_another_gateway_stops_it_as_well(name: str, tmp_path: Path) -> None:
    async def act(place: World, launcher: Launcher, told: Told) -> None:
        await launcher.start(RUN)
        other = place.launcher()
        await other.cancel(RUN)
        await until(lambda: launcher.running() == frozenset())

    play(name, tmp_path, act)


@every
def test_where_there_is_no_room_nothing_is_on_its_way_and_a_later_start_works(name: str, tmp_path: Path) -> None:
    async def act(place: World, launcher: Launcher, told: Told) -> None:
        place.no_room()
        with pytest.raises(TransientError):
            await launcher.start(RUN)
        assert launcher.running() == frozenset()
        place.room()
        await launcher.start(RUN)
        await until(lambda: place.started() == [f"run {RUN}"])

    play(name, tmp_path, act)


@elsewhere
def test_what_is_refused_for_good_is_no_passing_trouble(name: str, tmp_path: Path) -> None:
    async def act(place: World, launcher: Launcher, told: Told) -> None:
        place.refusing()
        with pytest.raises(ConfigurationError):
            await launcher.start(RUN)
        assert launcher.running() == frozenset()

    play(name, tmp_path, act)


@elsewhere
def test_runs_go_on_when_the_gateway_ends(name: str, tmp_path: Path) -> None:
    async def act(place: World, launcher: Launcher, told: Told) -> None:
        await launcher.start(RUN)
        await launcher.close()
        async with attended(place) as (next_one, _):
            await until(lambda: next_one.running() == {RUN})

    play(name, tmp_path, act)
