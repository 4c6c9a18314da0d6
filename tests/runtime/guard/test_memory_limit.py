"""Large bodies share a bounded memory, and no run can take what the others need."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from agents import NAMES, agent, opened, request
from agents import ask as ask_model
from clients import connected
from model_server import Text, model_server

from unmoor.runtime.guard.build import GuardSettings
from unmoor.runtime.guard.model.memory_limit import SMALL, BodyMemory, Grow
from unmoor.runtime.guard.transport.http1 import BadRequest

LARGE = SMALL + 1
Reading = Callable[[Grow], Awaitable[bytes]]


def whole(size: int) -> Reading:
    async def read(grow: Grow) -> bytes:
        await grow(size)
        return b""

    return read


def unfinished(size: int, begun: asyncio.Event) -> Reading:
    async def read(grow: Grow) -> bytes:
        await grow(size)
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    return read


async def hold(memory: BodyMemory, run: str, read: Reading, leave: asyncio.Event) -> None:
    async with memory.lease(run) as lease:
        await lease.read(read)
        await leave.wait()


async def passes(memory: BodyMemory, run: str, size: int) -> bool:
    """Whether a body of this run is let in now."""
    leave = asyncio.Event()
    leave.set()
    try:
        async with asyncio.timeout(0.05):
            await hold(memory, run, whole(size), leave)
    except TimeoutError:
        return False
    return True


def run(main: Any) -> Any:
    return asyncio.run(asyncio.wait_for(main, 5))


def test_a_run_that_sends_nothing_more_holds_only_its_own_next_body():
    async def main() -> list[bool]:
        memory, begun = BodyMemory(10 * LARGE), asyncio.Event()
        task = asyncio.create_task(hold(memory, "a", unfinished(LARGE, begun), asyncio.Event()))
        await begun.wait()
        tried = [await passes(memory, "a", LARGE), await passes(memory, "a", SMALL), await passes(memory, "b", LARGE)]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return [*tried, await passes(memory, "a", LARGE)]

    assert run(main()) == [False, True, True, True]


def test_the_run_with_the_most_memory_gives_up_what_it_is_reading():
    async def main() -> tuple[bool, list[Any]]:
        memory, begun = BodyMemory(4 * LARGE), [asyncio.Event(), asyncio.Event()]
        tasks = [
            asyncio.create_task(hold(memory, name, unfinished(2 * LARGE, event), asyncio.Event()))
            for name, event in zip("ab", begun, strict=True)
        ]
        for event in begun:
            await event.wait()
        passed = await passes(memory, "c", LARGE)
        done, _ = await asyncio.wait(tasks, timeout=0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return passed, [task.exception() for task in done]

    passed, [error] = run(main())
    assert passed
    assert isinstance(error, BadRequest)
    assert (error.status, str(error)) == (
        503,
        "other runs need the guard's memory, and this body did not arrive in time; send it again",
    )


def test_a_run_gets_half_of_the_memory_and_waits_for_its_own():
    async def main() -> list[bool]:
        memory, leave = BodyMemory(4 * LARGE), asyncio.Event()
        tasks = [asyncio.create_task(hold(memory, "a", whole(LARGE), leave)) for _ in range(5)]
        await asyncio.sleep(0.01)
        tried = [await passes(memory, "a", LARGE), await passes(memory, "b", 2 * LARGE)]
        leave.set()
        await asyncio.gather(*tasks)
        return [*tried, await passes(memory, "a", 2 * LARGE)]

    assert run(main()) == [False, True, True]


def test_a_body_that_is_larger_than_all_of_it_passes_alone():
    assert run(passes(BodyMemory(LARGE), "a", 100 * LARGE))


def test_one_that_gives_up_waiting_takes_nothing():
    async def main() -> bool:
        memory, leave = BodyMemory(2 * LARGE), asyncio.Event()
        holder = asyncio.create_task(hold(memory, "a", whole(LARGE), leave))
        await asyncio.sleep(0)
        waiting = [asyncio.create_task(hold(memory, "a", whole(LARGE), leave)) for _ in range(3)]
        await asyncio.sleep(0.01)
        waiting[0].cancel()
        leave.set()
        await asyncio.gather(holder, *waiting, return_exceptions=True)
        return await passes(memory, "b", 2 * LARGE)

    assert run(main())


@pytest.mark.parametrize("arrived", [0, 200_000])
def test_requests_that_declare_much_and_send_little_stop_nobody(arrived: int):
    """Finding of a trial: eight such connections of one run, and another run's request had no answer in 25 s."""
    body = {"model": NAMES["anthropic"], "messages": [{"role": "user", "content": "x" * 200_000}]}
    settings = GuardSettings(memory_bytes=1_000_000)

    async def main(url: str) -> int:
        async with opened(agent(base_url=url), [], settings=settings) as port:
            head = request("v1/messages", b"", headers={"content-length": str(60 * 1024 * 1024)})
            clients = [connected(port.number) for _ in range(8)]
            for client in clients:
                stream = await client.__aenter__()
                await stream.write(head + b"x" * arrived)
            try:
                small = {**body, "messages": []}
                return (await ask_model(port, "v1/messages", body if not arrived else small)).status
            finally:
                for client in clients:
                    await client.__aexit__(None, None, None)

    with model_server(Text("x")) as server:
        assert run(main(server.url)) == 200
