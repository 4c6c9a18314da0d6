"""Runs as executions of jobs: Azure Container Apps and Google Cloud Run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fake_google
import pytest
from platforms import Azure, Google, Told, azure, google

from unmoor.runtime.errors import ConfigurationError, TransientError

RUN, OTHER = "run-ybqr5rxvt-5z939m3", "run-ybqr5rxvt-5z939m4"


def on_azure(folder: Path, act: Callable[[Azure], Any]) -> None:
    async def whole() -> None:
        async with azure(folder) as place:
            await act(place)

    asyncio.run(whole())


def on_google(folder: Path, act: Callable[[Google], Any]) -> None:
    async def whole() -> None:
        async with google(folder) as place:
            await act(place)

    asyncio.run(whole())


def test_azure_is_told_all_of_the_jobs_containers_with_the_runs_id(tmp_path: Path) -> None:
    async def act(place: Azure) -> None:
        await place.launcher(UNMOOR_GATEWAY_URL="https://gateway.example.com").start(RUN)
        [execution] = place.fake.executions.values()
        assert execution["properties"]["template"]["containers"] == [
            {
                "name": "run",
                "image": "registry.azurecr.io/agent@sha256:1",
                "args": ["run", RUN],
                "env": [
                    {"name": "UNMOOR_AGENT", "value": "agent"},
                    {"name": "UNMOOR_SECRET_T", "secretRef": "t"},
                    {"name": "UNMOOR_GATEWAY_URL", "value": "https://gateway.example.com"},
                ],
                "resources": {"cpu": 1.0, "memory": "2Gi"},
            },
            {
                "name": "guard",
                "image": "registry.azurecr.io/agent@sha256:1",
                "args": ["guard"],
                "resources": {"cpu": 0.25, "memory": "0.5Gi"},
            },
        ]

    on_azure(tmp_path, act)


def test_azure_may_accept_a_start_without_naming_it(tmp_path: Path) -> None:
    async def act(place: Azure) -> None:
        place.fake.silent = True
        launcher, told = place.launcher(), Told()
        launcher.on_exit = told
        await launcher.start(RUN)
        await launcher.reconcile()
        assert launcher.running() == {RUN}
        await place.finish(RUN, 1)
        await launcher.reconcile()
        assert [(e.run, e.code, e.detail) for e in told.exits] == [(RUN, 1, "as the test says")]
        await launcher.start(OTHER)
        await launcher.stop(OTHER)
        assert place.fake.executions["agent-run-0000001"]["properties"]["status"] == "Stopped"

    on_azure(tmp_path, act)


def test_azures_pages_are_followed(tmp_path: Path) -> None:
    async def act(place: Azure) -> None:
        runs = [f"run-ybqr5rxvt-5z939m{n}" for n in range(5)]
        first = place.launcher()
        for run in runs:
            await first.start(run)
        second = place.launcher()
        await second.reconcile()
        assert second.running() == set(runs)

    on_azure(tmp_path, act)


def test_azures_token_is_asked_for_once(tmp_path: Path) -> None:
    async def act(place: Azure) -> None:
        launcher = place.launcher()
        await launcher.start(RUN)
        await launcher.reconcile()
        assert place.fake.tokens == 1

    on_azure(tmp_path, act)


def test_an_identity_that_gives_no_token_is_a_passing_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(place: Azure) -> None:
        launcher = place.launcher()
        launcher.platform.tokens = _Broken()  # type: ignore[attr-defined]
        with pytest.raises(TransientError) as raised:
            await launcher.start(RUN)
        assert str(raised.value) == "Azure gave the gateway no token: ValueError: the identity endpoint is away"

    on_azure(tmp_path, act)


class _Broken:
    def get_token(self, *scopes: str) -> Any:
        raise ValueError("the identity endpoint\nis away")


@pytest.mark.parametrize(
    ("refusing", "passes"),
    [
        ((429, "TooManyRequests", "slow down"), True),
        ((503, "ServiceUnavailable", "try again"), True),
        ((409, "ContainerAppOperationInProgress", "another operation is in progress"), True),
        ((400, "MaxCoresExceeded", "the environment's quota of cores is used up"), True),
        ((403, "AuthorizationFailed", "may not"), False),
        ((404, "ResourceNotFound", "no such job"), False),
    ],
)
def test_what_passes_at_azure_is_told_from_what_does_not(
    tmp_path: Path, refusing: tuple[int, str, str], passes: bool
) -> None:
    async def act(place: Azure) -> None:
        place.fake.refusing = refusing
        with pytest.raises(TransientError if passes else ConfigurationError, match=refusing[2]):
            await place.launcher().start(RUN)

    on_azure(tmp_path, act)


def test_google_is_told_the_runs_id_and_its_own_variables(tmp_path: Path) -> None:
    async def act(place: Google) -> None:
        await place.launcher(UNMOOR_GATEWAY_URL="https://gateway.example.com").start(RUN)
        override = {
            "name": "run",
            "args": ["run", RUN],
            "env": [{"name": "UNMOOR_GATEWAY_URL", "value": "https://gateway.example.com"}],
        }
        assert place.fake.asked == [{"overrides": {"containerOverrides": [override], "taskCount": 1}}]

    on_google(tmp_path, act)


def test_googles_token_is_asked_for_once(tmp_path: Path) -> None:
    async def act(place: Google) -> None:
        launcher = place.launcher()
        await launcher.start(RUN)
        await launcher.reconcile()
        assert place.fake.tokens == 1

    on_google(tmp_path, act)


def test_an_execution_that_is_older_than_a_page_is_still_followed(tmp_path: Path) -> None:
    async def act(place: Google) -> None:
        launcher, told = place.launcher(), Told()
        launcher.on_exit = told
        await launcher.start(RUN)
        mine = place.fake.executions[0]
        for number in range(250):
            other = {**mine, "name": f"{fake_google.JOB}/executions/other-{number}"}
            place.fake.end(other, 0)
            place.fake.executions.insert(0, other)
        await launcher.reconcile()
        assert launcher.running() == {RUN}
        place.fake.end(mine, 1, "Task failed with message: out of memory")
        await launcher.reconcile()
        assert [(e.run, e.detail) for e in told.exits] == [(RUN, "Task failed with message: out of memory")]

    on_google(tmp_path, act)


def test_a_scheduled_execution_is_no_run_of_the_gateways(tmp_path: Path) -> None:
    async def act(place: Google) -> None:
        launcher = place.launcher()
        await launcher.start(RUN)
        place.fake.executions[0]["template"]["containers"][0]["args"] = ["run", "--trigger", "nightly"]
        other = place.launcher()
        await other.reconcile()
        assert other.running() == frozenset()

    on_google(tmp_path, act)


@pytest.mark.parametrize(
    ("refusing", "passes"),
    [
        ((429, "RESOURCE_EXHAUSTED", "Quota exceeded"), True),
        ((503, "UNAVAILABLE", "try again"), True),
        ((409, "ABORTED", "there was a conflict"), True),
        ((403, "PERMISSION_DENIED", "may not"), False),
        ((404, "NOT_FOUND", "no such job"), False),
    ],
)
def test_what_passes_at_google_is_told_from_what_does_not(
    tmp_path: Path, refusing: tuple[int, str, str], passes: bool
) -> None:
    async def act(place: Google) -> None:
        place.fake.refusing = refusing
        with pytest.raises(TransientError if passes else ConfigurationError, match=refusing[2]):
            await place.launcher().start(RUN)

    on_google(tmp_path, act)


def test_what_a_platform_has_lost_is_given_up_and_what_takes_too_long_is_stopped(tmp_path: Path) -> None:
    async def act(place: Google) -> None:
        clock = [0.0]
        launcher, told = place.launcher(), Told()
        launcher.on_exit, launcher.clock, launcher.longest_s = told, lambda: clock[0], 3600
        await launcher.start(RUN)
        await launcher.start(OTHER)
        lost = place.fake.executions.pop()
        assert lost["template"]["containers"][0]["args"] == ["run", RUN]
        clock[0] = 119
        await launcher.reconcile()
        assert told.exits == []
        clock[0] = 121
        await launcher.reconcile()
        assert [e.detail for e in told.exits] == ["the platform no longer knows its container"]
        clock[0] = 899
        await launcher.reconcile()
        assert not place.fake.executions[0].get("completionTime")
        clock[0] = 901  # it has not begun by now
        await launcher.reconcile()
        assert place.fake.executions[0]["completionTime"]
        place.fake.executions.clear()
        await launcher.reconcile()
        await launcher.start(RUN)
        place.fake.executions[0]["startTime"] = (datetime.now(UTC) + timedelta()).isoformat()
        clock[0] += 3599
        await launcher.reconcile()
        assert not place.fake.executions[0].get("completionTime")
        clock[0] += 2
        await launcher.reconcile()
        assert place.fake.executions[0]["completionTime"]

    on_google(tmp_path, act)
