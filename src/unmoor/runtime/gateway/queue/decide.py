"""What to start next: a pure function over the runs that the queue holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from unmoor.runtime.state.run_record import RunRecord, is_expired


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Ids, oldest first: runs to start now, runs whose runner is dead, and runs that have ended and leave the queue."""

    start: tuple[str, ...]
    expired: tuple[str, ...]
    ended: tuple[str, ...]


def decide(records: Iterable[RunRecord], *, now: datetime, most: int, begun: frozenset[str] = frozenset()) -> Decision:
    """What is to be done about these runs when `most` of them may run at one time.

    `begun` are those that this gateway has started and that have not ended, whatever their records say yet. Runs of one
    session are started one at a time, in the order in which they were accepted.
    """
    going_on = sorted((r for r in records if not r.is_final), key=by_age)
    running = [r for r in going_on if r.id in begun or is_alive(r, now)]
    free = most - len(running)
    sessions: set[str] = set()
    start: list[str] = []
    for record in going_on:
        waits = record.status == "queued" and record not in running
        if waits and len(start) < free and not (record.session and record.session in sessions):
            start.append(record.id)
        sessions.add(record.session)
    return Decision(
        start=tuple(start),
        expired=tuple(r.id for r in going_on if is_expired(r, now) and r.id not in begun),
        ended=tuple(r.id for r in records if r.is_final),
    )


def by_age(record: RunRecord) -> tuple[datetime, str]:
    """Sorts the oldest first."""
    return record.created_at, record.id


def is_alive(record: RunRecord, now: datetime) -> bool:
    """Whether somebody runs it and has shown it lately."""
    return record.status == "running" and not is_expired(record, now)


def is_full(records: Iterable[RunRecord], *, most: int) -> bool:
    """Whether a further run would have to wait."""
    return sum(not r.is_final for r in records) >= most
