"""Tells a run's runner that somebody follows its events, so that it writes them at once.

The run's record carries it: the runner reads a record that others have changed with its next renewal of the lease, so
that a run without followers costs no request for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

from unmoor.runtime.clock import Clock
from unmoor.runtime.errors import TransientError
from unmoor.runtime.store.protocol import Store

from . import keys
from .run_record import RunRecord, is_expired, load_record, to_json

# A follower is announced for this long, and again once half of it is over.
FOLLOWED_FOR = timedelta(minutes=4)


def followed_reader(
    store: Store, read: Callable[[], Awaitable[RunRecord]], *, clock: Clock
) -> Callable[[], Awaitable[RunRecord]]:
    """Reads the record as `read` does, and announces a follower of the run while it goes on."""

    async def read_and_follow() -> RunRecord:
        record = await read()
        if _needs_follow(store, record, clock()):
            await _announce(store, record.id, clock=clock)
        return record

    return read_and_follow


def _needs_follow(store: Store, record: RunRecord, now: datetime) -> bool:
    """Whether the runner does not know yet; in a folder it writes every event at once anyway."""
    if store.is_local or record.is_final or is_expired(record, now):
        return False
    return record.followed_until is None or record.followed_until - now < FOLLOWED_FOR / 2


async def _announce(store: Store, run: str, *, clock: Clock) -> None:
    """Writes it once. Where that fails, or the record changes meanwhile, the follower still sees every event later, and
    the next look tries again."""
    with contextlib.suppress(TransientError):
        loaded = await load_record(store, run)
        if loaded is not None and _needs_follow(store, loaded[0], clock()):
            followed = replace(loaded[0], followed_until=clock() + FOLLOWED_FOR)
            await store.compare_and_swap(keys.run_record_key(run), to_json(followed), loaded[1])
