"""A gateway that is told to stop serves on while its front still sends requests, and loses none of them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateways import Client, gateway, until

from unmoor.runtime.http import server
from unmoor.runtime.signals import shutdown_event
from unmoor.targets.aws_ecs.front import IDLE_TIMEOUT_S

HOUR_S = 3600.0


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
        assert await is_ready()
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


def test_an_idle_connection_outlives_the_front_s() -> None:
    assert server.KEEP_ALIVE_S > IDLE_TIMEOUT_S
