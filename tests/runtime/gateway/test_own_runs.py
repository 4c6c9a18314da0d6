"""A guard on loopback serves the gateway's own runs, and nobody else on the machine."""

from __future__ import annotations

import asyncio

from unmoor.dev.own_runs import OwnRunsFilter
from unmoor.runtime.events import GuardEvent, NetworkDenied
from unmoor.runtime.guard.transport.run_tokens import RunKey, VerifiedRuns, run_token
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


def test_a_run_that_has_ended_is_broken_off_too() -> None:
    running = {"a"}
    guard = Noted()
    own = OwnRunsFilter(guard, lambda: frozenset(running))

    async def act() -> None:
        await own.serve(Broken(), RunCredentials(run="a", token="1"), lambda event: None)  # type: ignore[arg-type]
        running.clear()
        await own.serve(Broken(), RunCredentials(run="a", token="1"), lambda event: None)  # type: ignore[arg-type]
        await own.settle()

    asyncio.run(act())
    assert guard.served == ["1", "settled"]


def shown(key: str, *grants: tuple[str, str]) -> tuple[list[str], list[GuardEvent]]:
    """The tokens that a guard with this key serves, and the events of the others."""
    guard, told = Noted(), list[GuardEvent]()

    async def act() -> None:
        for run, token in grants:
            await VerifiedRuns(guard, RunKey(key)).serve(Broken(), RunCredentials(run=run, token=token), told.append)  # type: ignore[arg-type]

    asyncio.run(act())
    return guard.served, told


def test_a_token_proves_one_run_under_one_key() -> None:
    mine, others = run_token("k", "a"), (run_token("k", "b"), run_token("K", "a"), "", "ü", "a")
    assert shown("k", ("a", mine), ("a", mine)) == ([mine, mine], [])
    served, told = shown("k", *(("a", token) for token in others), ("b", mine), ("", mine))
    assert served == []
    reason = "the token does not prove this run; give runs and the guard the same run-token-key"
    assert told == [NetworkDenied(destination="the guard", reason=reason)] * 7


def test_whoever_comes_first_with_a_token_of_its_own_is_not_served_and_the_run_is() -> None:
    token = run_token("k", "a")
    served, _ = shown("k", ("a", "made-up"), ("a", token), ("never-was", "made-up"), ("never-was", token))
    assert served == [token]
