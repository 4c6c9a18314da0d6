"""The ledger: caps for a run and for a day, kept by any number of guards in one store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
from agents import Clock, agent
from virtual_time import START, MemoryStore, run_virtual, virtual_now

from unmoor.runtime.errors import TransientError
from unmoor.runtime.events import BudgetExceeded
from unmoor.runtime.guard.budget.book import LedgerTimeouts
from unmoor.runtime.guard.budget.day_record import Hold, parse_day_record, to_json
from unmoor.runtime.guard.budget.ledger import Ledger, Reservation
from unmoor.runtime.store import Store, StoredObject, open_store

T = TypeVar("T")
QUICK = LedgerTimeouts(write_every_s=0, retry_s=0.001)
CENT = Decimal("0.01")


def ledger(
    store: Store,
    clock: Callable[[], datetime] | None = None,
    *,
    run_usd: str | None = "1",
    day_usd: str | None = None,
    timeout_s: int = 1800,
    times: LedgerTimeouts = QUICK,
    log: Any = lambda *_, **__: None,
) -> Ledger:
    what = agent(base_url="https://x", run_usd=run_usd, day_usd=day_usd, timeout_s=timeout_s)
    return Ledger(what, store=store, clock=clock or Clock(), times=times or LedgerTimeouts(), log=log)


class Watched:
    """A store that counts what is asked of it, and fails where it is told to."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.asked: list[str] = []
        self.faults: list[Callable[[str], bool]] = []
        self.after: list[Callable[[str], bool]] = []

    async def get(self, key: str) -> StoredObject | None:
        return await self._do("get", self.store.get(key))

    async def put_if_absent(self, key: str, content: bytes) -> str | None:
        return await self._do("create", self.store.put_if_absent(key, content))

    async def compare_and_swap(self, key: str, content: bytes, version: str) -> str | None:
        return await self._do("replace", self.store.compare_and_swap(key, content, version))

    async def _do(self, what: str, work: Awaitable[T]) -> T:
        self.asked.append(what)
        if any(fails(what) for fails in self.faults):
            work.close()  # type: ignore[attr-defined]
            raise TransientError("the store does not answer")
        done = await work
        if any(fails(what) for fails in self.after):
            raise TransientError("the store's answer got lost")
        return done


def watched() -> Any:
    return Watched(open_store("memory://"))


def run(main: Awaitable[T]) -> T:
    async def bounded() -> T:
        async with asyncio.timeout(20):
            return await main

    return asyncio.run(bounded())


async def begin(book: Ledger, run_id: str, usd: Decimal | str) -> Reservation:
    """A request that may cost this much, sent now."""
    found = await book.reserve(run_id, Decimal(usd))
    assert isinstance(found, Reservation)
    return found


async def spend(book: Ledger, run_id: str, usd: Decimal | str) -> None:
    """One request that may cost this much, and does."""
    (await begin(book, run_id, usd)).commit(Decimal(usd))


async def refused(book: Ledger, run_id: str) -> BudgetExceeded | None:
    """Why the smallest of requests is refused; None if it passes."""
    found = await book.reserve(run_id, Decimal(0))
    if isinstance(found, Reservation):
        found.commit(Decimal(0))
        return None
    assert found
    return found


async def stored(store: Store, day: str = "2026-11-24") -> dict[str, Any]:
    found = await store.get(f"budget/{day}.json")
    assert found
    return json.loads(found.content)


def test_a_run_may_spend_up_to_its_cap_and_no_more():
    async def main() -> BudgetExceeded | None:
        book = ledger(open_store("memory://"))
        await spend(book, "r1", "0.6")
        await spend(book, "r1", "0.3")
        await spend(book, "r1", "0.3")
        return await refused(book, "r1")

    assert run(main()) == BudgetExceeded(cap="run.max_cost_usd", limit_usd=Decimal(1), spent_usd=Decimal("1.2"))


def test_a_cap_that_is_just_used_up_is_used_up():
    async def main() -> BudgetExceeded | None:
        book = ledger(open_store("memory://"))
        await spend(book, "r1", "1")
        return await refused(book, "r1")

    assert run(main()) is not None


def test_another_run_has_a_cap_of_its_own():
    async def main() -> BudgetExceeded | None:
        book = ledger(open_store("memory://"))
        await spend(book, "r1", "5")
        return await refused(book, "r2")

    assert run(main()) is None


def test_all_runs_of_a_day_count_together():
    async def main() -> BudgetExceeded | None:
        book = ledger(open_store("memory://"), run_usd=None, day_usd="1")
        await spend(book, "r1", "0.6")
        await spend(book, "r2", "0.6")
        return await refused(book, "r3")

    assert run(main()) == BudgetExceeded(cap="budget.per_day_usd", limit_usd=Decimal(1), spent_usd=Decimal("1.2"))


def test_a_new_day_begins_at_midnight_utc_wherever_the_clock_is():
    async def main() -> list[BudgetExceeded | None]:
        store, clock = open_store("memory://"), Clock("2026-11-25T00:59:59+01:00")  # 23:59:59 UTC
        book = ledger(store, clock, run_usd=None, day_usd="1")
        await spend(book, "r1", "2")
        before = await refused(book, "r1")
        clock.forward(seconds=1)
        after = await refused(book, "r1")
        await spend(book, "r1", "0.25")
        await book.close()
        assert (await stored(store, "2026-11-24"))["usd"] == "2"
        assert (await stored(store, "2026-11-25"))["usd"] == "0.25"
        return [before, after]

    before, after = run(main())
    assert before is not None
    assert after is None


@pytest.mark.parametrize("restarted", [False, True])
def test_a_runs_cap_goes_on_over_midnight(restarted: bool):
    async def main() -> list[Any]:
        store, clock = open_store("memory://"), Clock("2026-11-24T23:59:00+00:00")
        book = ledger(store, clock)
        await spend(book, "r1", "0.7")
        if restarted:
            await book.close()
            book = ledger(store, clock)
        clock.forward(minutes=2)
        found: list[Any] = [await refused(book, "r1")]
        await spend(book, "r1", "0.4")
        return [*found, await refused(book, "r1")]

    before, after = run(main())
    assert before is None
    assert after == BudgetExceeded(cap="run.max_cost_usd", limit_usd=Decimal(1), spent_usd=Decimal("1.1"))


def test_a_stream_that_goes_on_over_midnight_still_counts_what_was_spent_before():
    async def main() -> BudgetExceeded | None:
        clock = Clock("2026-11-24T23:59:00+00:00")
        book = ledger(open_store("memory://"), clock)
        await spend(book, "r1", "0.7")
        stream = await begin(book, "r1", 0)
        stream.update(Decimal("0.1"))
        clock.forward(minutes=2)
        await refused(book, "r2")
        return stream.update(Decimal("0.35"))

    assert run(main()) == BudgetExceeded(cap="run.max_cost_usd", limit_usd=Decimal(1), spent_usd=Decimal("1.05"))


def test_a_run_of_several_days_is_counted_from_its_first():
    async def main() -> BudgetExceeded | None:
        store, clock = open_store("memory://"), Clock()
        for _ in range(4):
            book = ledger(store, clock, timeout_s=2 * 86400)
            await spend(book, "r1", "0.3")
            await book.close()
            clock.forward(days=1)
        return await refused(ledger(store, clock, timeout_s=2 * 86400), "r1")

    assert run(main()) == BudgetExceeded(cap="run.max_cost_usd", limit_usd=Decimal(1), spent_usd=Decimal("1.2"))


def test_a_guard_that_starts_again_knows_what_was_spent():
    async def main() -> BudgetExceeded | None:
        store = open_store("memory://")
        book = ledger(store)
        await spend(book, "r1", "2")
        await book.close()
        return await refused(ledger(store), "r1")

    assert run(main()) is not None


def test_a_guard_finds_what_another_has_spent_before_it_sends():
    async def main() -> list[BudgetExceeded | None]:
        store: Any = MemoryStore()
        one, other = (ledger(store, virtual_now, times=LedgerTimeouts()) for _ in range(2))
        first = await refused(other, "r1")
        await spend(one, "r1", "2")
        await one.close()
        found = [first, await refused(other, "r1")]
        await other.close()
        return found

    first, second = run_virtual(main())
    assert first is None
    assert second is not None


def test_a_hold_serves_many_requests_without_the_store():
    async def main() -> list[list[str]]:
        store = watched()
        book = ledger(store, times=LedgerTimeouts())
        asked = []
        for _ in range(8):
            before = len(store.asked)
            await spend(book, "r1", "0.01")
            asked.append(store.asked[before:])
        await book.close()
        return asked

    # The first reads today and the day before, and writes a hold for itself and 1/16 of the cap.
    first, *others = run(main())
    assert first == ["get", "get", "create"]
    assert others == [[], [], [], [], [], [], ["replace"]]


def test_many_guards_that_write_at_once_lose_nothing():
    async def main() -> dict[str, Any]:
        store = open_store("memory://")
        books = [ledger(store, run_usd="1000", day_usd="1000") for _ in range(8)]

        async def work(number: int) -> None:
            for _ in range(20):
                await spend(books[number], f"r{number % 3}", CENT)
                await asyncio.sleep(0)

        await asyncio.gather(*map(work, range(8)))
        await asyncio.gather(*(book.close() for book in books))
        return await stored(store)

    found = run(main())
    assert found["usd"] == "1.60"
    assert found["runs"] == {"r0": "0.60", "r1": "0.60", "r2": "0.40"}


def test_guards_in_several_processes_worth_of_stores_agree_in_a_folder(tmp_path: Path):
    async def main() -> str:
        books = [ledger(open_store(f"file://{tmp_path}"), run_usd="1000") for _ in range(4)]
        for _ in range(10):
            await asyncio.gather(*(spend(book, "r1", CENT) for book in books))
        await asyncio.gather(*(book.close() for book in books))
        return (await stored(open_store(f"file://{tmp_path}")))["usd"]

    assert run(main()) == "0.40"


def test_requests_that_are_under_way_count_together():
    async def main() -> list[Any]:
        book = ledger(open_store("memory://"))
        one, other = await begin(book, "r1", "0.5"), await begin(book, "r1", "0.5")
        fine = one.update(Decimal("0.5"))
        over = other.update(Decimal("0.5"))
        late = await refused(book, "r1")
        one.commit(Decimal("0.2"))
        return [fine, over, late, await refused(book, "r1")]

    fine, over, late, after = run(main())
    assert (fine, after) == (None, None)
    assert over == late == BudgetExceeded(cap="run.max_cost_usd", limit_usd=Decimal(1), spent_usd=Decimal("1.0"))


def test_what_one_guard_holds_is_not_there_for_another_and_comes_back():
    async def main() -> list[Any]:
        store: Any = MemoryStore()
        one, other = (ledger(store, virtual_now, day_usd="1", times=LedgerTimeouts()) for _ in range(2))
        stream = await begin(one, "r1", "0.9")
        asyncio.get_running_loop().call_later(30, stream.commit, Decimal("0.1"))
        found = await other.reserve("r2", Decimal("0.5"))
        late = virtual_now()
        await one.close()
        await other.close()
        return [type(found), (late - START).total_seconds()]

    kind, waited = run_virtual(main())
    assert kind is Reservation
    # The first guard gives up its hold with the write after the one in which its stream ended.
    assert 30 < waited <= 130


def test_without_caps_nothing_is_read_or_written():
    async def main() -> list[str]:
        store = watched()
        book = ledger(store, run_usd=None)
        await spend(book, "r1", "1000")
        await book.close()
        return store.asked

    assert run(main()) == []


def test_what_cannot_be_read_allows_nothing():
    async def main() -> None:
        store = watched()
        store.faults.append(lambda what: what == "get")
        await refused(ledger(store), "r1")

    with pytest.raises(TransientError, match=r"^the store does not answer$"):
        run(main())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "Expecting value: line 1 column 1 (char 0)"),
        (b"[]", "list indices must be integers or slices, not str"),
        (b'{"format": 2, "marks": [], "runs": {}}', "format 2"),
        (b'{"format": 1, "marks": []}', "'runs'"),
        (b'{"format": 1, "marks": [], "runs": {"r": "many"}}', "[<class 'decimal.ConversionSyntax'>]"),
    ],
)
def test_a_book_that_cannot_be_understood_allows_nothing_and_says_what_to_do(content: bytes, why: str):
    async def main() -> None:
        store = open_store("memory://")
        await store.put("budget/2026-11-24.json", content)
        await refused(ledger(store), "r1")

    with pytest.raises(TransientError) as caught:
        run(main())
    assert str(caught.value) == (f"budget/2026-11-24.json is invalid ({why}); delete it to reset the day's spending")


def test_what_cannot_be_written_is_written_when_it_can():
    async def main() -> str:
        store = watched()
        broken = False
        store.faults.append(lambda what: broken and what != "get")
        book = ledger(store)
        request = await begin(book, "r1", "0.1")
        broken = True
        request.commit(Decimal("0.1"))
        await asyncio.sleep(0.02)
        broken = False
        await spend(book, "r1", "0.2")
        await book.close()
        return (await stored(store))["usd"]

    assert run(main()) == "0.3"


@pytest.mark.parametrize("lost", [1, 3])
def test_a_write_whose_answer_got_lost_is_not_written_twice(lost: int):
    async def main() -> list[Any]:
        store = watched()
        left = 0

        def loses(what: str) -> bool:
            nonlocal left
            left -= what != "get" and left > 0
            return what != "get" and left > 0

        store.after.append(loses)
        book = ledger(store)
        request = await begin(book, "r1", "0.1")
        left = lost + 1
        request.commit(Decimal("0.1"))
        await asyncio.sleep(0.02)
        left = 0
        await spend(book, "r1", "0.2")
        over = await refused(book, "r1")
        await book.close()
        return [over, (await stored(store))["usd"], (await stored(store))["holds"]]

    assert run(main()) == [None, "0.3", {}]


def test_what_is_never_written_is_said_at_the_end():
    lines: list[tuple[str, dict[str, Any]]] = []

    async def main() -> None:
        store = watched()
        times = LedgerTimeouts(write_every_s=0, retry_s=0.01, ending_s=0.05)
        book = ledger(store, times=times, log=lambda message, **fields: lines.append((message, fields)))
        request = await begin(book, "r1", "0.1")
        store.faults.append(lambda what: what != "get")
        request.commit(Decimal("0.1"))
        await book.close()

    run(main())
    assert lines[0][0] == "the budget cannot be written"
    assert lines[-1] == (
        "spending not written",
        {"level": "error", "day": "2026-11-24", "runs": {"r1": "0.1"}},
    )


def test_nothing_is_sent_whose_hold_cannot_be_written():
    async def main() -> None:
        store = watched()
        store.faults.append(lambda what: what != "get")
        await ledger(store).reserve("r1", CENT)

    with pytest.raises(TransientError, match=r"^the store does not answer$"):
        run(main())


def test_writes_are_gathered_so_that_a_store_is_not_flooded():
    async def main() -> list[str]:
        store = watched()
        book = ledger(store, times=LedgerTimeouts(write_every_s=60))
        for _ in range(50):
            await spend(book, "r1", CENT / 10)
            await asyncio.sleep(0)
        await book.close()
        assert (await stored(store))["usd"] == "0.050"
        return [what for what in store.asked if what != "get"]

    assert run(main()) in (["create", "replace"], ["create", "replace", "replace"])


def test_a_book_keeps_money_to_the_last_digit_and_its_last_marks():
    book = parse_day_record(Clock().now.date(), None)
    for number in range(100):
        hold = Hold(until=Clock()(), runs={"r": CENT})
        book = book.write({"r": Decimal("0.0000001")}, guard="g", hold=hold, write_id=f"m{number}")
    again = parse_day_record(book.day, StoredObject(content=to_json(book), version="v"))
    assert again.runs == {"r": Decimal("0.0000100")}
    assert again.holds == {"g": Hold(until=Clock()(), runs={"r": CENT})}
    assert again.write_ids == tuple(f"m{number}" for number in range(36, 100))


def test_only_the_budget_is_written_to():
    class Keys(Watched):
        keys: set[str] = set()  # noqa: RUF012

        async def get(self, key: str) -> StoredObject | None:
            self.keys.add(key)
            return await super().get(key)

        async def put_if_absent(self, key: str, content: bytes) -> str | None:
            self.keys.add(key)
            return await super().put_if_absent(key, content)

    async def main() -> set[str]:
        store: Any = Keys(open_store("memory://"))
        book = ledger(store, day_usd="5")
        await spend(book, "../../evil", "0.1")
        await book.close()
        return store.keys

    assert run(main()) == {"budget/2026-11-24.json", "budget/2026-11-23.json"}


def test_what_is_due_is_written_before_a_guard_rests():
    async def main() -> str:
        store, clock = watched(), Clock()
        book = ledger(store, clock, times=LedgerTimeouts())
        request = await begin(book, "r1", "0.1")
        clock.forward(seconds=61)
        request.commit(Decimal("0.1"))
        await book.settle()
        found = (await stored(store))["usd"]
        await book.close()
        return found

    assert run(main()) == "0.1"


def test_nobody_waits_for_ever_for_what_cannot_be_written():
    async def main() -> None:
        store, clock = watched(), Clock()
        book = ledger(store, clock, times=LedgerTimeouts(retry_s=0.01, ending_s=0.05))
        request = await begin(book, "r1", "0.1")
        store.faults.append(lambda what: what != "get")
        clock.forward(seconds=61)
        request.commit(Decimal("0.1"))
        await book.settle()
        await book.close()

    run(main())
