"""A gateway that is asleep, or has no processor between requests, is woken by runs that end and by what comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from gateways import gateway, put, record, until
from platforms import serving
from senders import SECRET, github, gitlab, slack

from unmoor.runtime.errors import TransientError
from unmoor.runtime.gateway.public_url import discover_public_url
from unmoor.runtime.gateway.queue.coalesce import CoalescedCall
from unmoor.runtime.gateway.queue.dispatcher import Dispatcher
from unmoor.runtime.run.wake_gateway import wake_gateway
from unmoor.runtime.state import keys
from unmoor.runtime.state.run_record import RunRecord, to_json
from unmoor.runtime.store import Store, open_store

MINE, OTHER = record(1).id, record(2).id


def quietly(message: str, **fields: Any) -> None:
    pass


async def told(folder: Path, queue: list[str], *, answers: list[int]) -> tuple[int, list[str]]:
    """How often a gateway that answers so is told of a run's end, and what the run logs."""
    store, asked, logged = open_store((folder / "store").as_uri()), [], []
    for name in queue:
        await store.put(f"queue/{name}", b"{}")

    async def wake(request: web.Request) -> web.Response:
        assert await request.read() == b""
        assert "authorization" not in request.headers
        asked.append(request.path)
        return web.Response(status=answers[min(len(asked), len(answers)) - 1])

    app = web.Application()
    app.add_routes([web.post("/wake", wake)])
    async with serving(app, folder) as url:
        await wake_gateway(url, store, MINE, within_s=5, log=lambda text, **_: logged.append(text))
    return len(asked), logged


@pytest.mark.parametrize(
    ("queue", "answers", "asked"),
    [
        ([MINE, OTHER], [204], 1),
        ([MINE], [204], 0),
        ([], [204], 0),
        ([MINE, "fired/nightly-1"], [204], 0),
        ([OTHER], [503, 204], 2),
        ([OTHER], [503], 2),
        ([OTHER], [404], 1),
    ],
)
def test_a_run_that_ends_wakes_the_gateway_where_others_wait(
    tmp_path: Path, queue: list[str], answers: list[int], asked: int
) -> None:
    often, logged = asyncio.run(told(tmp_path, queue, answers=answers))
    assert often == asked
    assert [
        line.startswith(
            "could not wake the gateway; the next request or schedule will: the gateway answered POST /wake with"
        )
        for line in logged
    ] == ([True] if answers[-1] != 204 else [])


def test_a_gateway_that_is_away_costs_a_run_a_line(tmp_path: Path) -> None:
    async def act() -> None:
        store, logged = open_store((tmp_path / "store").as_uri()), []
        await store.put(f"queue/{OTHER}", b"{}")
        await wake_gateway("http://127.0.0.1:9", store, MINE, within_s=5, log=lambda text, **_: logged.append(text))
        await wake_gateway("", store, MINE, within_s=5, log=lambda text, **_: logged.append(text))
        assert [line.split(":")[1] for line in logged] == [" the gateway cannot be reached"]

    asyncio.run(act())


async def waiting(store: Store) -> str:
    """A run that another gateway accepted."""
    run = await put(store, record(7))
    await store.put(keys.queue_entry_key(run.id), to_json(run))
    return run.id


def test_a_gateway_that_is_woken_starts_what_waits_before_it_answers(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path, busy_s=3600, idle_s=3600) as client:
            await until(lambda: _ready(client))
            run = await waiting(client.store)
            answer = await client.ask("POST", "/wake", token=None)
            assert (answer.status, answer.body) == (204, b"")
            assert client.launcher.started == [run]

    asyncio.run(act())


async def _ready(client: Any) -> bool:
    return (await client.get("/readyz")).status == 200


def test_a_gateway_without_a_processor_between_requests_starts_a_run_before_it_answers(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path, has_idle_cpu=False, busy_s=3600, idle_s=3600) as client:
            runs = await asyncio.gather(*(client.start() for _ in range(3)))
            assert sorted(client.launcher.started) == sorted(runs)

    asyncio.run(act())


@pytest.mark.parametrize(("sender", "waits_s"), [("github", 8.0), ("gitlab", 8.0), ("slack", 2.0), ("bearer", 3.0)])
def test_a_start_may_take_what_the_sender_waits_and_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sender: str, waits_s: float
) -> None:
    waited: list[float] = []
    enqueue = Dispatcher.enqueue

    async def noted(self: Dispatcher, run: RunRecord, *, start_s: float) -> bool:
        waited.append(start_s)
        return await enqueue(self, run, start_s=start_s)

    monkeypatch.setattr(Dispatcher, "enqueue", noted)
    hook = {"name": "hook", "webhook": {"verify": {"scheme": sender, "secret": "hook"}}, "prompt": "go"}
    body = b'{"action": "opened"}'
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
    headers = headers if sender == "bearer" else {"github": github, "gitlab": gitlab, "slack": slack}[sender](body)

    async def act() -> None:
        async with gateway(tmp_path, has_idle_cpu=False, triggers=[hook], secrets={"hook": SECRET}) as client:
            answer = await client.ask("POST", "/hooks/hook", data=body, headers=headers, token=None)
            assert answer.status == 202

    asyncio.run(act())
    assert waited == [waits_s]


def test_only_a_post_wakes_it(tmp_path: Path) -> None:
    async def act() -> None:
        async with gateway(tmp_path) as client:
            assert (await client.ask("GET", "/wake", token=None)).status == 405

    asyncio.run(act())


def nudged(look: Callable[[], Awaitable[None]], clock: list[float]) -> CoalescedCall:
    return CoalescedCall(act=look, log=quietly, every_s=5, ticks=lambda: clock[0])


def test_a_crowd_gets_one_look_that_begins_after_all_of_it_has_asked() -> None:
    async def act() -> None:
        looks, clock = [], [100.0]

        async def look() -> None:
            looks.append(len(looks))

        nudges = nudged(look, clock)
        assert await asyncio.gather(*(nudges() for _ in range(50))) == [True] * 50
        assert looks == [0]
        clock[0] += 5
        assert await nudges()
        assert looks == [0, 1]

    asyncio.run(act())


def test_a_crowd_does_not_hold_its_connections_until_the_next_look() -> None:
    async def act() -> None:
        looks, clock = [], [100.0]

        async def look() -> None:
            looks.append(len(looks))

        nudges = nudged(look, clock)
        assert await nudges()
        waiting = [asyncio.create_task(nudges()) for _ in range(300)]
        await asyncio.sleep(0)
        assert sum(not task.done() for task in waiting) == 4
        assert looks == [0]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(act())


def test_a_second_look_waits_for_its_time_however_many_ask() -> None:
    async def act() -> None:
        looks, clock = [], [100.0]

        async def look() -> None:
            looks.append(clock[0])

        nudges = nudged(look, clock)
        nudges.every_s = 0.05
        await nudges()
        asking = [asyncio.create_task(nudges()) for _ in range(20)]
        await asyncio.sleep(0)
        assert len(looks) == 1
        await asyncio.gather(*asking)
        assert len(looks) == 2

    asyncio.run(act())


def test_a_store_that_is_away_is_said(tmp_path: Path) -> None:
    async def act() -> None:
        async def look() -> None:
            raise TransientError("the store is away")

        assert await CoalescedCall(act=look, log=quietly)() is False

    asyncio.run(act())


@pytest.mark.parametrize(
    ("environment", "region", "url"),
    [
        ({"UNMOOR_GATEWAY_URL": "https://agent.example.com", "K_SERVICE": "x"}, "r", "https://agent.example.com"),
        (
            {"CONTAINER_APP_NAME": "agent", "CONTAINER_APP_ENV_DNS_SUFFIX": "green-1.westeurope.azurecontainerapps.io"},
            "",
            "https://agent.green-1.westeurope.azurecontainerapps.io",
        ),
        ({"K_SERVICE": "agent-gateway"}, "europe-west1", "https://agent-gateway-123456789012.europe-west1.run.app"),
        ({"K_SERVICE": "agent-gateway"}, "", ""),
        ({}, "eu-west-1", ""),
    ],
)
def test_a_gateway_knows_its_own_address(tmp_path: Path, environment: dict[str, str], region: str, url: str) -> None:
    async def number(request: web.Request) -> web.Response:
        assert request.headers["metadata-flavor"] == "Google"
        return web.Response(text="123456789012", content_type="application/text")

    async def act() -> None:
        app = web.Application()
        app.add_routes([web.get("/computeMetadata/v1/project/numeric-project-id", number)])
        async with serving(app, tmp_path) as fake:
            told = {**environment, "GCE_METADATA_HOST": fake.removeprefix("http://")}
            assert await discover_public_url(told, region=region, log=quietly) == url

    asyncio.run(act())


def test_a_gateway_that_cannot_learn_its_address_says_so() -> None:
    async def act() -> None:
        logged: list[str] = []
        told = {"K_SERVICE": "agent-gateway", "GCE_METADATA_HOST": "127.0.0.1:9"}
        assert await discover_public_url(told, region="r", log=lambda text, **_: logged.append(text)) == ""
        assert logged[0].startswith("runs cannot wake this gateway: the metadata server cannot be reached: ")

    asyncio.run(act())
