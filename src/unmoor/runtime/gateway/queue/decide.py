"""Decides which runs to start: a pure function over the runs in the queue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from unmoor.runtime.state.run_record import RunRecord, is_expired


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Run ids, oldest first: to start now, with an expired lease, and ended, which leave the queue."""

    start: tuple[str, ...]
    expired: tuple[str, ...]
    ended: tuple[str, ...]


def decide(records: Iterable[RunRecord], *, now: datetime, most: int, begun: frozenset[str] = frozenset()) -> Decision:
    """Decides for these runs, of which `most` may run at a time.

    `begun` are the runs that this gateway has started, whatever their records say yet. Runs of one session start one at
    a time, in the order in which they were accepted.
    """
    active = sorted((r for r in records if not r.is_final), key=by_age)
    running = [r for r in active if r.id in begun or is_alive(r, now)]
    free = most - len(running)
    sessions: set[str] = set()
    start: list[str] = []
    for record in active:
        waiting = record.status == "queued" and record not in running
        if waiting and len(start) < free and not (record.session and record.session in sessions):
            start.append(record.id)
        sessions.add(record.session)
    return Decision(
        start=tuple(start),
        expired=tuple(r.id for r in active if is_expired(r, now) and r.id not in begun),
        ended=tuple(r.id for r in records if r.is_final),
    )


def by_age(record: RunRecord) -> tuple[datetime, str]:
    return record.created_at, record.id


def is_alive(record: RunRecord, now: datetime) -> bool:
    """Whether the run is running and its lease is valid."""
    return record.status == "running" and not is_expired(record, now)


def is_full(records: Iterable[RunRecord], *, most: int) -> bool:
    """Whether a further run would have to wait."""
    return sum(not r.is_final for r in records) >= most
