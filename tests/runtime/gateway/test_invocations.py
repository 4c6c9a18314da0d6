"""The contract of managed container hosts: POST /invocations and GET /ping."""

from __future__ import annotations

import asyncio
import contextlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from gateways import TOKEN, Client, gateway, put_event, until
from test_api import within

from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.gateway.http.routes.invocations import Pulse
from unmoor.runtime.gateway.http.stream_limit import StreamLimit
from unmoor.runtime.gateway.main import read_options

SESSION = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"


def invoking(client: Client, prompt: str = "hello", **more: Any) -> asyncio.Task[Any]:
    return asyncio.create_task(client.ask("POST", "/invocations", json={"prompt": prompt}, **more))


def test_an_invocation_is_answered_when_its_run_has_ended(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        asking = invoking(client, headers={SESSION: "s" * 40})
        await client.until_started(1)
        run = client.launcher.started[0]
        assert (await client.record(run)).session == "s" * 40
        assert not asking.done()
        await client.launcher.end(run, answer="All done.", cost_usd=Decimal("0.0123"))
        answer = await asking
        assert (answer.status, answer.headers["content-location"]) == (200, f"/runs/{run}")
        assert answer.json == {
            "id": run,
            "status": "succeeded",
            "response": "All done.",
            "reason": "",
            "cost_usd": "0.0123",
        }

    within(tmp_path, act)


def test_a_run_that_fails_is_answered_like_any_other_so_that_no_client_starts_it_again(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        asking = invoking(client)
        await client.until_started(1)
        await client.launcher.end(client.launcher.started[0], "failed", reason="exit code 1")
        answer = await asking
        assert (answer.status, answer.json["status"], answer.json["reason"]) == (200, "failed", "exit code 1")

    within(tmp_path, act)


def test_an_invocation_that_accepts_a_stream_is_given_its_runs_events(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        got: list[dict[str, str]] = []
        headers = {"accept": "text/event-stream", "authorization": f"Bearer {TOKEN}"}
        async with client.session.post(f"{client.url}/invocations", json={"prompt": "x"}, headers=headers) as answer:
            assert (answer.status, answer.content_type) == (200, "text/event-stream")
            run = answer.headers["content-location"].removeprefix("/runs/")
            await client.until_started(1)
            await put_event(client.store, run, 1)
            await client.launcher.end(run)
            got = [part.split("\n")[0] for part in (await answer.text()).split("\n\n")]  # type: ignore[misc]
        assert got == ["retry: 2000", "id: 1", "event: end", ""]

    within(tmp_path, act)


def test_a_run_whose_client_is_gone_goes_on(tmp_path: Path) -> None:
    slots = StreamLimit()

    async def act(client: Client) -> None:
        asking = invoking(client)
        await client.until_started(1)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        await until(lambda: slots.active == 0)
        run = client.launcher.started[0]
        assert await client.status(run) == "running"
        await client.launcher.end(run)  # and the gateway is told to stop at the same moment

    within(tmp_path, act, parts={"slots": slots})


def test_a_gateway_that_stops_says_which_run_it_was(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path) as client:
            asking = invoking(client)
            await client.until_started(1)
        answer = await asyncio.wait_for(asking, 1)
        run = client.launcher.started[0]
        assert (answer.status, answer.json["id"], answer.json["status"]) == (202, run, "running")

    asyncio.run(act())


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "prompt: is empty or missing; write the task for the agent"),
        ({"input": "x"}, "input: unknown field; a run has prompt and session"),
    ],
)
def test_an_invocation_that_is_no_run_is_one_clear_line(tmp_path: Path, body: Any, says: str) -> None:
    async def act(client: Client) -> None:
        assert (await client.ask("POST", "/invocations", json=body)).error == (400, says)
        long = await client.ask("POST", "/invocations", json={"prompt": "x"}, headers={SESSION: "s" * 513})
        assert long.error == (400, "the session header is longer than 512 characters")

    within(tmp_path, act)


def test_an_invocation_wants_the_token_unless_the_platform_lets_in_only_those_who_may(tmp_path: Path) -> None:
    async def act(client: Client) -> tuple[int, int]:
        invoked = await client.ask("POST", "/invocations", token=None, json={})
        return invoked.status, (await client.get("/runs", token=None)).status

    assert within(tmp_path / "a", act) == (401, 401)
    assert within(tmp_path / "b", act, parts={"invocations_open": True}) == (400, 401)


def test_who_may_invoke_is_said_by_a_variable(tmp_path: Path) -> None:
    assert not read_options({}).invocations_open
    assert not read_options({"UNMOOR_INVOCATIONS_AUTH": "token"}).invocations_open
    assert read_options({"UNMOOR_INVOCATIONS_AUTH": "platform"}).invocations_open
    with pytest.raises(ConfigurationError, match="UNMOOR_INVOCATIONS_AUTH: 'none' is not token or platform"):
        read_options({"UNMOOR_INVOCATIONS_AUTH": "none"})


def test_a_ping_says_whether_runs_go_on(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        async def status() -> str:
            answer = await client.get("/ping", token=None)
            assert answer.status == 200
            return answer.json["status"]

        async def is_idle() -> bool:
            return await status() == "Healthy"

        assert await status() == "Healthy"
        run = await client.start()
        await client.until_started(1)
        assert await status() == "HealthyBusy"
        await client.launcher.end(run)
        await until(is_idle)

    within(tmp_path, act)


def test_the_time_of_the_last_update_goes_on_while_runs_do_and_stands_still_otherwise() -> None:
    pulse = Pulse(changed_at=100)
    times = [
        pulse.at(now, busy=busy) for now, busy in ((110, False), (120, True), (130, True), (140, False), (150, False))
    ]
    assert times == [100, 120, 130, 140, 140]


def test_no_more_are_waited_with_than_there_are_slots(tmp_path: Path) -> None:
    async def act(client: Client) -> None:
        asking = invoking(client)
        await client.until_started(1)
        says = "all 1 streams are in use; poll with ?after=N&wait=20"
        assert (await client.ask("POST", "/invocations", json={"prompt": "x"})).error == (503, says)
        assert len((await client.get("/runs")).json["runs"]) == 1
        await client.launcher.end(client.launcher.started[0])
        assert (await asking).status == 200

    within(tmp_path, act, parts={"slots": StreamLimit(most=1)})
