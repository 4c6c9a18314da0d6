"""A gateway that is told to stop serves on while its front still sends requests, and loses none of them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateways import Client, gateway, until

from unmoor.container import SERVE_ON_BRIEFLY_S, STOP_GRACE_S
from unmoor.runtime.http import server
from unmoor.runtime.signals import shutdown_event
from unmoor.targets.aws_ecs.front import IDLE_TIMEOUT_S
from unmoor.targets.vm_docker.domain import HEALTH_INTERVAL_S

HOUR_S = 3600.0
# After it has served on: open requests, and runs in processes beside it.
ENDS_WITHIN_S = 8
# https://docs.cloud.google.com/run/docs/container-contract#instance-shutdown
CLOUD_RUN_KILLS_AFTER_S = 10


def play(act: Callable[[], Any]) -> None:
    async def whole() -> None:
        async with asyncio.timeout(20):
            await act()

    asyncio.run(whole())


def test_a_request_after_the_signal_is_answered_and_its_run_is_in_the_queue(tmp_path: Path) -> None:
    async def act() -> None:
        hurry, stop, ready = asyncio.Event(), asyncio.Event(), asyncio.Event()
        found: list[Client] = []

        async def serve() -> None:
            async with gateway(tmp_path, parts={"serve_on_s": HOUR_S, "hurry": hurry}) as client:
                found.append(client)
                ready.set()
                await stop.wait()

        serving = asyncio.create_task(serve())
        await ready.wait()
        [client] = found

        async def is_ready() -> bool:
            return (await client.get("/readyz")).status == 200

        await until(is_ready)
        stop.set()
        await until(lambda: any(message == "stopping" for message, _ in client.logged))
        late = await client.start("late")
        assert not await is_ready()  # a front that asks sends no more
        assert await client.status(late) == "queued"  # the next gateway starts it
        assert not serving.done()
        hurry.set()
        await serving

    play(act)


def test_a_second_signal_skips_the_time() -> None:
    async def act() -> None:
        hurry = asyncio.Event()
        stop = shutdown_event(hurry)
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        assert not hurry.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        await hurry.wait()

    play(act)


def test_a_gateway_that_serves_on_briefly_ends_within_the_platform_s_time() -> None:
    assert SERVE_ON_BRIEFLY_S + server.DRAIN_S + 1 < CLOUD_RUN_KILLS_AFTER_S
    assert SERVE_ON_BRIEFLY_S + ENDS_WITHIN_S + 1 < STOP_GRACE_S


def test_the_proxy_of_a_machine_sees_in_time_that_a_gateway_stops() -> None:
    """One check that was on its way, and one that is refused, each within its timeout."""
    assert 4 * HEALTH_INTERVAL_S + 1 <= SERVE_ON_BRIEFLY_S


def test_an_idle_connection_outlives_the_front_s() -> None:
    assert server.KEEP_ALIVE_S > IDLE_TIMEOUT_S
