"""An agent is the same whether its gateway is asked or its store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from gateways import NOW, TOKEN, Client, gateway, put, record

from unmoor.operate.agent import AgentClient, iter_deliveries, iter_runs, resolve_run
from unmoor.operate.errors import NoSuchRun, OperateError
from unmoor.operate.gateway_agent import GatewayAgent
from unmoor.operate.gateway_client import GatewayHttp
from unmoor.operate.store_agent import StoreAgent
from unmoor.runtime.state import keys

WAYS = ("gateway", "store")


def asking(tmp_path: Path, way: str, ask: Callable[[AgentClient], Any], *, before: Any = None, **spec: Any) -> Any:
    """What is found of an agent by its gateway or by its store, in a thread, as a command would."""

    async def act() -> Any:
        async with gateway(tmp_path, **spec) as client:
            if before:
                await before(client)
            return await asyncio.to_thread(_asked, client, tmp_path, way, ask)

    return asyncio.run(act())


def _asked(client: Client, folder: Path, way: str, ask: Callable[[AgentClient], Any]) -> Any:
    agent = by_gateway(client) if way == "gateway" else by_store(client)
    try:
        return ask(agent)
    finally:
        agent.close()


def by_gateway(client: Client) -> GatewayAgent:
    return GatewayAgent(http=GatewayHttp(url=client.url, token=TOKEN, token_from="the token of the tests"))


def by_store(client: Client) -> StoreAgent:
    return StoreAgent(url="file:///store", store=client.store)


async def three_runs(client: Client) -> None:
    for number in (1, 2, 3):
        run = replace(record(number), status="succeeded", answer=f"answer {number}")
        await put(client.store, run, events=2, finished=True)


@pytest.mark.parametrize("way", WAYS)
def test_runs_come_newest_first_as_far_back_as_is_asked(tmp_path: Path, way: str) -> None:
    def ask(agent: AgentClient) -> Any:
        since = NOW + timedelta(seconds=2)
        return [[run["answer"] for run in iter_runs(agent, since=at)] for at in (None, since)]

    found = asking(tmp_path, way, ask, before=three_runs)
    assert found == [["answer 3", "answer 2", "answer 1"], ["answer 3", "answer 2"]]


def test_both_ways_give_the_same_values(tmp_path: Path) -> None:
    def ask(agent: AgentClient) -> Any:
        return [agent.runs(limit=2), agent.run(record(1).id), agent.events(record(1).id, after=1, wait_s=0)]

    found = [asking(tmp_path / way, way, ask, before=three_runs) for way in WAYS if (tmp_path / way).mkdir() is None]
    assert found[0] == found[1]


@pytest.mark.parametrize("way", WAYS)
def test_pages_are_read_on(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unmoor.operate.agent.PAGE", 1)
    found = asking(tmp_path, way, lambda agent: len(list(iter_runs(agent))), before=three_runs)
    assert found == 3


@pytest.mark.parametrize("way", WAYS)
def test_an_unknown_run_is_refused_with_the_nearest_one(tmp_path: Path, way: str) -> None:
    def ask(agent: AgentClient) -> str:
        with pytest.raises(NoSuchRun) as raised:
            resolve_run(agent, record(2).id[:-1] + "0")
        return str(raised.value)

    assert asking(tmp_path, way, ask, before=three_runs).endswith(
        f": no run has this id: {record(2).id[:-1]}0; did you mean {record(2).id}?"
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("run", ["run-x", "../../etc", "run-%2e%2e/x", "run-é", "?", "#"])
def test_a_run_by_any_other_name_is_unknown_as_well(tmp_path: Path, way: str, run: str) -> None:
    def ask(agent: AgentClient) -> str:
        with pytest.raises(NoSuchRun) as raised:
            resolve_run(agent, run)
        return str(raised.value)

    assert asking(tmp_path, way, ask).endswith(f": {run}; unmoor runs lists them")


@pytest.mark.parametrize("way", WAYS)
def test_without_an_id_it_is_the_newest_run_if_there_is_one(tmp_path: Path, way: str) -> None:
    assert asking(tmp_path, way, lambda a: resolve_run(a, "")["id"], before=three_runs) == record(3).id
    (tmp_path / "new").mkdir()
    with pytest.raises(OperateError) as raised:
        asking(tmp_path / "new", way, lambda a: resolve_run(a, ""))
    assert str(raised.value) == "the agent has no runs yet; unmoor trigger starts one"


def test_the_newest_run_is_no_self_test_while_there_is_another(tmp_path: Path) -> None:
    async def tested(client: Client) -> None:
        await three_runs(client)
        await put(client.store, replace(record(4), status="succeeded", trigger="_self-test", kind="self-test"))

    assert asking(tmp_path, "store", lambda a: resolve_run(a, "")["id"], before=tested) == record(3).id


@pytest.mark.parametrize("way", WAYS)
def test_a_run_that_waits_is_cancelled_at_once(tmp_path: Path, way: str) -> None:
    async def no_runner(client: Client) -> None:
        client.launcher.start = nothing  # type: ignore[method-assign]
        await put(client.store, record(1))

    async def nothing(run: str) -> None:
        pass

    def ask(agent: AgentClient) -> Any:
        return agent.cancel(record(1).id), agent.run(record(1).id)["status"]

    assert asking(tmp_path, way, ask, before=no_runner) == ("cancelled", "cancelled")


@pytest.mark.parametrize("way", WAYS)
def test_a_run_that_runs_is_marked_for_its_runner(tmp_path: Path, way: str) -> None:
    started: list[str] = []

    async def running(client: Client) -> None:
        started.append(await client.start())
        await client.until_started(1)
        started.append(await client.status(started[0]))

    def ask(agent: AgentClient) -> Any:
        return agent.cancel(started[0])

    assert asking(tmp_path, way, ask, before=running) == "running"
    assert started[1] == "running"
    assert (tmp_path / "store" / keys.cancel_key(started[0])).exists()


@pytest.mark.parametrize("way", WAYS)
def test_deliveries_are_listed_by_trigger(tmp_path: Path, way: str) -> None:
    hooks = [{"name": n, "webhook": {"verify": "none", "when": {"body.a": 1}}, "prompt": "x"} for n in ("one", "two")]

    async def come(client: Client) -> None:
        for name in ("one", "two"):
            await client.ask("POST", f"/hooks/{name}", json={"a": 2})

    def ask(agent: AgentClient) -> Any:
        return [[d["trigger"] for d in iter_deliveries(agent, trigger=name)] for name in ("", "one")]

    assert asking(tmp_path, way, ask, before=come, triggers=hooks) == [["two", "one"], ["one"]]


def test_a_run_is_started_with_a_session(tmp_path: Path) -> None:
    def ask(agent: AgentClient) -> Any:
        run = agent.run(agent.start("do it", "s-1"))
        return run["prompt"], run["session"]

    assert asking(tmp_path, "gateway", ask) == ("do it", "s-1")


def test_a_store_alone_says_which_agent_it_would_start(tmp_path: Path) -> None:
    with pytest.raises(OperateError) as raised:
        asking(tmp_path, "store", lambda agent: agent.start("x", ""))
    assert str(raised.value) == "file:///store: queuing a run requires the agent's spec"
