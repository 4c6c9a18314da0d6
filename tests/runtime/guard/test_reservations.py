"""Caps are kept whatever models answer and when: over any interleaving of requests, runs and guards, in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from agents import NAMES, Answer, agent, ask, opened, run
from aiohttp import web
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_model import scripted
from virtual_time import MemoryStore, run_virtual, virtual_now

from unmoor.runtime.events import BudgetExceeded, GuardEvent, ModelUsage, Notice
from unmoor.runtime.guard.budget.book import LedgerTimeouts
from unmoor.runtime.guard.budget.ledger import Ledger, Reservation
from unmoor.runtime.guard.build import GuardSettings

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request: when and where it is sent, how many cents it reserves and costs, and in how many parts, over which
    seconds, its answer comes. A `streamed` one is cut where a cap is used up."""

    at: float
    guard: int
    run: int
    price: int
    cost: int
    parts: int
    seconds: float
    streamed: bool


def asks(guards: int) -> st.SearchStrategy[list[Ask]]:
    def ask(price: int, share: float, **values: Any) -> Ask:
        return Ask(price=price, cost=int(price * share), **values)

    one = st.builds(
        ask,
        at=st.sampled_from([0.0, 0.0, 0.01, 1.0, 90.0]),
        guard=st.integers(0, guards - 1),
        run=st.integers(0, 2),
        price=st.sampled_from([60, 50, 30, 7, 1]),
        share=st.sampled_from([1, 1, 0.5, 0]),
        parts=st.integers(1, 4),
        seconds=st.sampled_from([0.0, 0.01, 1.0, 30.0, 400.0]),
        streamed=st.booleans(),
    )
    return st.lists(one, min_size=1, max_size=20)


@dataclass(slots=True)
class Bill:
    """What was metered for each run, and what became of each request."""

    spent: dict[int, Decimal]
    refused: list[tuple[int, BudgetExceeded]]
    passed: list[Ask]


async def send_all(books: Sequence[Ledger], requests: Sequence[Ask]) -> Bill:
    bill = Bill(spent={}, refused=[], passed=[])
    async with asyncio.TaskGroup() as tasks:
        for request in requests:
            tasks.create_task(send(books[request.guard], request, bill))
    for book in books:
        await book.close()
    return bill


async def send(book: Ledger, request: Ask, bill: Bill) -> None:
    await asyncio.sleep(request.at)
    found = await book.reserve(f"r{request.run}", request.price * CENT)
    if isinstance(found, BudgetExceeded):
        bill.refused.append((request.run, found))
        return
    assert isinstance(found, Reservation), "it waited for ever"
    bill.passed.append(request)
    cost = Decimal(0)
    for part in range(1, request.parts + 1):
        await asyncio.sleep(request.seconds / request.parts)
        cost = request.cost * CENT * part / request.parts
        if request.streamed and found.update(cost):
            break
    found.commit(cost)
    bill.spent[request.run] = bill.spent.get(request.run, Decimal(0)) + cost


def books(store: MemoryStore, count: int, **caps: str | None) -> list[Ledger]:
    times = LedgerTimeouts(wait_s=80_000, ending_s=60)
    what = agent(base_url="https://x", **caps)
    return [Ledger(what, store=store, clock=virtual_now, times=times) for _ in range(count)]  # type: ignore[arg-type]


AT_ONCE = [
    Ask(at=0.0, guard=number, run=number, price=50, cost=50, parts=1, seconds=1.0, streamed=False)
    for number in range(3)
]


@settings(max_examples=200, deadline=None)
@example(requests=AT_ONCE, guards=3, delay=0.02)
@given(requests=asks(3), guards=st.integers(1, 3), delay=st.sampled_from([0.0, 0.02, 3.0]))
def test_a_days_budget_is_overrun_by_one_request_at_most_over_all_guards(
    requests: list[Ask], guards: int, delay: float
):
    async def main() -> tuple[Bill, Decimal]:
        store = MemoryStore(lambda: delay)
        moved = [replace(request, guard=request.guard % guards) for request in requests]
        bill = await send_all(books(store, guards, day_usd="0.5"), moved)
        return bill, sum((total(content.content) for content in store.objects.values()), Decimal(0))

    bill, written = run_virtual(main())
    metered = sum(bill.spent.values(), Decimal(0))
    assert metered <= Decimal("0.5") + max(request.price for request in requests) * CENT
    assert written == metered
    assert not bill.refused or metered >= Decimal("0.5")
    assert len(bill.passed) + len(bill.refused) == len(requests)
    assert bill.passed


@settings(max_examples=200, deadline=None)
@example(requests=[replace(one, run=0, guard=one.guard % 2) for one in AT_ONCE], delay=0.02)
@given(requests=asks(2), delay=st.sampled_from([0.0, 0.02, 3.0]))
def test_a_runs_cap_is_overrun_by_one_request_of_it_at_most(requests: list[Ask], delay: float):
    async def main() -> Bill:
        return await send_all(books(MemoryStore(lambda: delay), 2, run_usd="0.5"), requests)

    bill = run_virtual(main())
    for number, spent in bill.spent.items():
        prices = [request.price for request in requests if request.run == number]
        assert spent <= Decimal("0.5") + max(prices) * CENT
    for number, _ in bill.refused:
        assert bill.spent[number] >= Decimal("0.5")


def total(content: bytes) -> Decimal:
    raw = json.loads(content)
    assert raw["holds"] == {}, "a guard that has ended holds nothing"
    return Decimal(raw["usd"])


def test_requests_wait_in_order_and_another_run_does_not_wait_for_them():
    async def main() -> list[str]:
        (book,) = books(MemoryStore(), 1, run_usd="0.1")
        order: list[str] = []

        async def go(name: str, of: str, cents: int) -> None:
            found = await book.reserve(of, cents * CENT)
            assert isinstance(found, Reservation)
            order.append(name)
            await asyncio.sleep(10)
            found.commit(CENT)

        async with asyncio.TaskGroup() as tasks:
            for name, of, cents in [
                ("first", "r1", 8),
                ("large", "r1", 9),
                ("small", "r1", 1),
                ("other run", "r2", 8),
            ]:
                tasks.create_task(go(name, of, cents))
                await asyncio.sleep(0.1)
        await book.close()
        return order

    # The small one would fit beside the first, but then a large one might wait for ever.
    assert run_virtual(main()) == ["first", "other run", "large", "small"]


def test_a_request_that_finds_no_room_in_time_is_told_so_and_leaves_its_place():
    async def main() -> list[Any]:
        what = agent(base_url="https://x", run_usd="0.1")
        store: Any = MemoryStore()
        book = Ledger(what, store=store, clock=virtual_now, times=LedgerTimeouts(wait_s=240))
        first = await book.reserve("r1", 9 * CENT)
        assert isinstance(first, Reservation)
        second = await book.reserve("r1", 9 * CENT)
        waited = asyncio.get_running_loop().time()
        first.commit(CENT)
        third = await book.reserve("r1", CENT)
        await book.close()
        return [second, waited, type(third)]

    second, waited, third = run_virtual(main())
    assert second is None
    assert 240 <= waited <= 241
    assert third is Reservation


def test_the_hold_of_a_guard_that_died_counts_as_spent_once_it_has_expired():
    async def main() -> list[Any]:
        store = MemoryStore()
        dead, living = books(store, 2, day_usd="1")
        assert isinstance(await dead.reserve("r1", 90 * CENT), Reservation)
        dead._book._writing.cancel()  # type: ignore[union-attr]  # it is killed, so it renews nothing
        found = await living.reserve("r2", 50 * CENT)
        waited = asyncio.get_running_loop().time()
        assert isinstance(found, Reservation)
        found.commit(50 * CENT)
        return [waited, await living.reserve("r2", CENT)]

    waited, after = run_virtual(main())
    assert 290 <= waited <= 310
    assert isinstance(after, BudgetExceeded)
    assert after.spent_usd >= Decimal("1.4")


def test_an_hours_run_of_200_requests_needs_few_operations_of_the_store():
    async def main() -> int:
        store = MemoryStore()
        (book,) = books(store, 1, run_usd="10", day_usd="100")
        for _ in range(200):
            found = await book.reserve("r1", 50 * CENT)
            assert isinstance(found, Reservation)
            await asyncio.sleep(12)
            found.commit(3 * CENT)
            await book.settle()
            await asyncio.sleep(6)
        await book.close()
        return len(store.asked)

    assert run_virtual(main()) <= 90


# Through the guard, to a provider on loopback


def whole_answer(seen: list[int], delay_s: float) -> Any:
    """A provider of whole answers: 1000 tokens in and 8000 out each, which is 0.123 USD."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        seen.append(1)
        await asyncio.sleep(delay_s)
        usage = {"input_tokens": 1000, "output_tokens": 8000}
        text = {"type": "text", "text": "done"}
        return web.json_response({"type": "message", "content": [text], "stop_reason": "end_turn", "usage": usage})

    return handle


BODY = {"model": NAMES["anthropic"], "max_tokens": 8000, "messages": [{"role": "user", "content": "x" * 2800}]}


@pytest.mark.parametrize("caps", [{"run_usd": "0.10"}, {"day_usd": "0.10"}])
@pytest.mark.usefixtures("route")
def test_240_parallel_requests_overrun_a_cap_by_one_answer_at_most(caps: dict[str, str]):
    told: list[GuardEvent] = []
    seen: list[int] = []

    async def main() -> list[Answer]:
        async with (
            scripted(whole_answer(seen, 0.2)) as url,
            opened(agent(base_url=url, **caps), told) as port,
        ):
            return await asyncio.gather(*(ask(port, "v1/messages", BODY) for _ in range(240)))

    answers = run(main())
    metered = sum(event.cost_usd or 0 for event in told if isinstance(event, ModelUsage))
    assert sorted({answer.status for answer in answers}) == [200, 402]
    assert metered == Decimal("0.123") * len(seen)
    assert len(seen) == 1
    assert [event.cap for event in told if isinstance(event, BudgetExceeded)] == [
        "run.max_cost_usd" if "run_usd" in caps else "budget.per_day_usd"
    ]


def test_a_request_that_waits_in_vain_is_told_to_ask_again_and_the_run_goes_on():
    told: list[GuardEvent] = []
    times = GuardSettings(ledger=LedgerTimeouts(wait_s=0.05))

    async def main() -> list[Answer]:
        async with (
            scripted(whole_answer([], 0.4)) as url,
            opened(agent(base_url=url, run_usd="0.20"), told, settings=times) as port,
        ):
            return await asyncio.gather(*(ask(port, "v1/messages", BODY) for _ in range(2)))

    answers = run(main())
    text = "other requests have reserved what is left of the caps; ask again"
    assert sorted(answer.status for answer in answers) == [200, 503]
    (late,) = [answer for answer in answers if answer.status == 503]
    assert late.json["error"]["message"] == f"unmoor: {text}"
    assert late.headers["retry-after"] == "2"
    assert Notice(level="error", text=text) in told


def test_a_request_over_midnight_counts_on_the_day_on_which_it_was_reserved():
    async def main() -> dict[str, str]:
        store = MemoryStore()
        (book,) = books(store, 1, day_usd="1")
        await asyncio.sleep(86_390)
        found = await book.reserve("r1", 90 * CENT)
        assert isinstance(found, Reservation)
        await asyncio.sleep(20)
        late = await book.reserve("r2", 90 * CENT)
        assert isinstance(late, Reservation)
        found.commit(80 * CENT)
        late.commit(5 * CENT)
        await book.close()
        return {key: str(total(stored.content)) for key, stored in store.objects.items()}

    assert run_virtual(main()) == {"budget/2026-11-24.json": "0.80", "budget/2026-11-25.json": "0.05"}
