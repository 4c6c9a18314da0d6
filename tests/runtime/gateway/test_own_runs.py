"""A guard on loopback serves the gateway's own runs, and nobody else on the machine."""

from __future__ import annotations

import asyncio

from unmoor.dev.own_runs import OwnRunsFilter
from unmoor.runtime.guard.transport.types import Emit, RunCredentials, Stream


class Noted:
    """A guard that notes whom it serves."""

    def __init__(self) -> None:
        self.served: list[str] = []

    async def serve(self, stream: Stream, grant: RunCredentials, emit: Emit) -> None:
        self.served.append(grant.token)

    async def settle(self) -> None:
        self.served.append("settled")


class Broken:
    """A connection that notes how it ends."""

    aborted = False

    def abort(self) -> None:
        self.aborted = True

    async def close(self) -> None:
        assert self.aborted


def served(running: set[str], *grants: tuple[str, str]) -> list[str]:
    guard = Noted()
    own = OwnRunsFilter(guard, lambda: frozenset(running))

    async def act() -> None:
        for run, token in grants:
            stream = Broken()
            before = len(guard.served)
            await own.serve(stream, RunCredentials(run=run, token=token), lambda event: None)  # type: ignore[arg-type]
            assert stream.aborted == (len(guard.served) == before)

    asyncio.run(act())
    return guard.served


def test_a_run_that_runs_here_is_served_with_its_token() -> None:
    assert served({"a", "b"}, ("a", "1"), ("b", "2"), ("a", "1")) == ["1", "2", "1"]


def test_a_run_that_does_not_run_here_is_broken_off() -> None:
    assert served({"a"}, ("b", "1")) == []


def test_a_second_token_for_the_same_run_is_broken_off() -> None:
    assert served({"a"}, ("a", "1"), ("a", "2"), ("a", "ü")) == ["1"]


def test_a_token_of_a_run_that_has_ended_is_forgotten() -> None:
    running = {"a"}
    guard = Noted()
    own = OwnRunsFilter(guard, lambda: frozenset(running))

    async def serve(run: str, token: str) -> None:
        await own.serve(Broken(), RunCredentials(run=run, token=token), lambda event: None)  # type: ignore[arg-type]

    async def act() -> None:
        await serve("a", "1")
        running.clear()
        await serve("b", "x")
        running.add("a")
        await serve("a", "2")
        await own.settle()

    asyncio.run(act())
    assert guard.served == ["1", "2", "settled"]
