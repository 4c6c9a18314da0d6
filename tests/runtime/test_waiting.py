"""Waits end when their time is over, and with whoever waits."""

from __future__ import annotations

import asyncio

import pytest

from unmoor.runtime.waiting import wait_event


def test_a_wait_says_whether_the_event_came_in_time() -> None:
    async def waits() -> tuple[bool, bool]:
        event = asyncio.Event()
        before = await wait_event(event, 0.001)
        event.set()
        return before, await wait_event(event, 60)

    assert asyncio.run(waits()) == (False, True)


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_cancellation_at_the_moment_of_the_event_is_not_lost(steps: int) -> None:
    async def cancelled() -> bool:
        event = asyncio.Event()
        waiting = asyncio.create_task(wait_event(event, 60))
        await asyncio.sleep(0)
        event.set()
        for _ in range(steps):
            await asyncio.sleep(0)
        taken = waiting.cancel()
        await asyncio.wait([waiting])
        return waiting.cancelled() == taken

    assert asyncio.run(cancelled())
