"""Large bodies share a bounded memory, and wait for it in turn."""

from __future__ import annotations

import asyncio

from unmoor.runtime.guard.model.memory_limit import ByteSemaphore


async def hold(room: ByteSemaphore, count: int, order: list[int], name: int, leave: asyncio.Event) -> None:
    async with room.acquire(count):
        order.append(name)
        await leave.wait()


def test_who_asks_first_is_let_in_first_even_if_a_later_one_would_fit():
    async def main() -> list[list[int]]:
        room, order, leave = ByteSemaphore(10), list[int](), asyncio.Event()
        tasks = [asyncio.create_task(hold(room, n, order, n, leave)) for n in (6, 5, 1)]
        await asyncio.sleep(0)
        before = list(order)
        leave.set()
        await asyncio.gather(*tasks)
        return [before, order]

    assert asyncio.run(main()) == [[6], [6, 5, 1]]


def test_more_than_there_is_takes_all_of_it():
    async def main() -> bool:
        room = ByteSemaphore(10)
        async with room.acquire(1000):
            try:
                async with asyncio.timeout(0.01), room.acquire(1):
                    return False
            except TimeoutError:
                pass
        async with room.acquire(10):
            return True

    assert asyncio.run(main())


def test_one_that_gives_up_takes_nothing():
    async def main() -> bool:
        room, leave = ByteSemaphore(10), asyncio.Event()
        holder = asyncio.create_task(hold(room, 10, [], 0, leave))
        waiting = [asyncio.create_task(hold(room, n, [], n, leave)) for n in (10, 4)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        leave.set()
        await asyncio.gather(holder, *waiting, return_exceptions=True)
        async with asyncio.timeout(1), room.acquire(10):
            return True

    assert asyncio.run(main())


def test_one_that_gives_up_just_as_it_is_let_in_gives_back():
    async def main() -> bool:
        room, leave = ByteSemaphore(10), asyncio.Event()
        holder = asyncio.create_task(hold(room, 10, [], 0, leave))
        waiting = asyncio.create_task(hold(room, 10, [], 1, leave))
        await asyncio.sleep(0)
        leave.set()
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(holder, waiting, return_exceptions=True)
        async with asyncio.timeout(1), room.acquire(10):
            return True

    assert asyncio.run(main())
