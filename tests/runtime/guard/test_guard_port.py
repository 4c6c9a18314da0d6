"""The run's local port: whose connections they are, how many, and what the run is told."""

from __future__ import annotations

import asyncio
import contextlib
from decimal import Decimal

from clients import connected

from unmoor.runtime.events import BudgetExceeded, GuardEvent, NetworkDenied, Notice
from unmoor.runtime.guard.transport.types import Emit, RunCredentials, Stream
from unmoor.runtime.run.guard_port import EventLimiter, GuardPort, PortLimits

GRANT = RunCredentials(run="r1", token="t0ken")


class Echo:
    """A way that sends back what it is sent, under the run's name."""

    async def serve(self, stream: Stream, grant: RunCredentials, emit: Emit) -> None:
        while data := await stream.read():
            await stream.write(grant.run.encode() + b" " + data)
        await stream.close()


def test_every_connection_to_the_port_is_the_runs():
    async def main() -> bytes:
        async with GuardPort(Echo(), GRANT, print) as port, connected(port.number) as client:
            await client.write(b"hello")
            return await client.read()

    assert asyncio.run(main()) == b"r1 hello"


def test_an_adapter_is_told_where_the_model_and_the_way_out_are():
    async def main():
        async with GuardPort(Echo(), GRANT, print) as port:
            guarded, here = port.endpoint, f"127.0.0.1:{port.number}"
            assert guarded.model_url == f"http://{here}/model"
            assert guarded.proxy_url == f"http://run:t0ken@{here}"
            assert guarded.token == "t0ken"

    asyncio.run(main())


def test_more_connections_than_a_run_may_have_are_refused_and_said():
    told: list[GuardEvent] = []

    async def main() -> bytes:
        limits = PortLimits(connections=1, ending_s=0)
        async with (
            GuardPort(Echo(), GRANT, told.append, limits=limits) as port,
            connected(port.number) as first,
            connected(port.number) as second,
        ):
            await first.write(b"first")
            await first.read()
            try:
                return await second.read()
            except ConnectionResetError:
                return b"reset"

    assert asyncio.run(main()) in (b"", b"reset")
    assert told == [
        NetworkDenied(
            destination="the guard",
            reason="1 connections are open already; new ones are refused until one closes",
        )
    ]


def test_a_fault_of_the_guards_own_breaks_one_connection_and_is_said_without_its_words():
    told: list[GuardEvent] = []

    class Faulty(Echo):
        async def serve(self, stream: Stream, grant: RunCredentials, emit: Emit) -> None:
            if await stream.read() == b"break":
                raise RuntimeError(f"with {grant.token} in it")
            await stream.write(b"well")

    async def main() -> bytes:
        async with GuardPort(Faulty(), GRANT, told.append) as port:
            async with connected(port.number) as client:
                await client.write(b"break")
                with contextlib.suppress(ConnectionResetError):
                    await client.read()
            async with connected(port.number) as client:
                await client.write(b"x")
                return await client.read()

    assert asyncio.run(main()) == b"well"
    assert told == [Notice(level="error", text="a connection failed in the guard: RuntimeError in serve")]


def test_a_token_is_not_shown_by_a_grant():
    assert "t0ken" not in repr(GRANT)


def test_a_used_up_cap_is_told_once():
    told: list[GuardEvent] = []
    funnel = EventLimiter(told.append, PortLimits())
    over = BudgetExceeded(cap="run.max_cost_usd", limit_usd=Decimal(1), spent_usd=Decimal(1))
    for event in (over, over, BudgetExceeded(cap="budget.per_day_usd", limit_usd=Decimal(1), spent_usd=Decimal(2))):
        funnel(event)
    assert [e.cap for e in told if isinstance(e, BudgetExceeded)] == ["run.max_cost_usd", "budget.per_day_usd"]


def test_a_flood_of_refusals_is_cut_short_and_said_to_be():
    told: list[GuardEvent] = []
    funnel = EventLimiter(told.append, PortLimits(refusals=3, same_refusals=2))
    for host in ("a", "a", "a", "b", "c", "d"):
        funnel(NetworkDenied(destination=host, reason="no"))
    assert told == [
        NetworkDenied(destination="a", reason="no"),
        NetworkDenied(destination="a", reason="no"),
        NetworkDenied(destination="b", reason="no"),
        Notice(level="warning", text="too many guard notices; further ones are dropped"),
    ]
