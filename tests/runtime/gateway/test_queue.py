"""What to start next, decided over records alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gateways import NOW, record

from unmoor.runtime.gateway.queue.decide import decide, is_full
from unmoor.runtime.state.run_record import Lease, RunRecord

LATER = NOW + timedelta(minutes=5)


def running(number: int, *, alive: bool = True, **fields: Any) -> RunRecord:
    lease = Lease(owner="o", expires_at=LATER + timedelta(seconds=1 if alive else -1))
    return record(number, status="running", lease=lease, **fields)


def started(*records: RunRecord, most: int = 1, begun: tuple[RunRecord, ...] = ()) -> list[str]:
    decision = decide(records, now=LATER, most=most, begun=frozenset(r.id for r in begun))
    return list(decision.start)


def test_the_oldest_is_started_first_whatever_order_they_come_in() -> None:
    old, new = record(1), record(2)
    assert started(new, old) == started(old, new) == [old.id]


def test_no_more_are_started_than_may_run() -> None:
    assert started(*(record(n) for n in range(5)), most=2) == [record(0).id, record(1).id]
    assert started(running(1), record(2), most=1) == []
    assert started(running(1), record(2), record(3), most=2) == [record(2).id]


def test_a_run_that_was_started_here_counts_before_its_record_says_so() -> None:
    assert started(record(1), record(2), begun=(record(1),)) == []


def test_runs_of_one_session_are_started_one_at_a_time_and_in_order() -> None:
    first, second, other = record(1, session="k"), record(2, session="k"), record(3)
    assert started(second, first, other, most=3) == [first.id, other.id]
    assert started(running(1, session="k"), second, other, most=3) == [other.id]


def test_runs_without_a_session_do_not_wait_for_each_other() -> None:
    assert started(record(1), record(2), most=2) == [record(1).id, record(2).id]


def test_a_run_whose_runner_is_dead_takes_no_place_but_holds_its_session() -> None:
    dead, waits, free = running(1, alive=False, session="k"), record(2, session="k"), record(3)
    decision = decide([dead, waits, free], now=LATER, most=1)
    assert (decision.start, decision.expired) == ((free.id,), (dead.id,))


def test_a_runner_of_this_gateways_is_not_taken_for_dead() -> None:
    dead = running(1, alive=False)
    assert decide([dead], now=LATER, most=1, begun=frozenset([dead.id])).expired == ()


def test_what_has_ended_leaves_the_queue() -> None:
    ended = record(1, status="failed")
    decision = decide([ended, record(2)], now=LATER, most=1)
    assert (decision.ended, decision.start) == ((ended.id,), (record(2).id,))


def test_full_is_when_a_further_run_would_wait() -> None:
    assert is_full([record(1), running(2)], most=2)
    assert not is_full([record(1), record(2, status="succeeded")], most=2)
