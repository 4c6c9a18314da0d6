"""Sessions: state that runs with the same key share, one run at a time.

The record names the holder and the newest archive. Each run stores an archive of its own, which the record names once
it is complete, so that a run that dies while saving leaves the previous state intact.

A run holds its session as long as its lease, which it renews anyway.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from unmoor.runtime.clock import Clock
from unmoor.runtime.errors import TransientError, UnmoorRuntimeError, WorkspaceError
from unmoor.runtime.events import Notice
from unmoor.runtime.state import keys
from unmoor.runtime.state.lease_times import lease_times
from unmoor.runtime.state.run_record import is_expired, load_record
from unmoor.runtime.store.protocol import Store
from unmoor.runtime.store.swap import swap_record
from unmoor.runtime.waiting import wait_event

from .context import RunContext
from .event_log import EventLog
from .retry import retry_transient
from .session_archive import CorruptArchive, pack, unpack
from .stop import Stop

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """A session: its key, the last harness and its own id of the session, the newest archive, the holder, and until
    when it holds the session if its run has no record; all but the key may be empty."""

    key: str
    harness: str = ""
    harness_session: str = ""
    state: str = ""
    saved_at: str = ""
    holder: str = ""
    until: str = ""


class Session:
    """A session that this run holds."""

    def __init__(self, store: Store, run: str, record: SessionRecord, version: str, clock: Clock) -> None:
        self._store = store
        self._run = run
        self._version = version
        self._clock = clock
        self._lock = asyncio.Lock()
        self.pause_s = 0.25
        self.record = record

    async def restore(self, root: Path, scratch: Path) -> bool:
        """Unpack the newest state below the root; False if there is none."""
        if not self.record.state:
            return False
        archive = scratch / "session.tar.zst"
        if not await self._store.download(self.record.state, archive):
            raise TransientError(f"session {self.record.key}: {self.record.state} is not in the store")
        try:
            await _in_thread(lambda given_up: unpack(archive, root, given_up=given_up))
        except CorruptArchive as broken:
            raise WorkspaceError(f"session {self.record.key}: {self.record.state} is damaged: {broken}") from None
        archive.unlink()
        return True

    async def save(self, root: Path, folders: tuple[str, ...], scratch: Path, *, harness: str, session: str) -> int:
        """Store the folders below the root as the session's state; how many entries could not be packed."""
        archive = scratch / "session.tar.zst"
        left_out = await _in_thread(lambda given_up: pack(root, folders, archive, given_up=given_up))
        key, before = keys.session_state_key(self.record.key, self._run), self.record.state
        await retry_transient(lambda: self._store.upload(key, archive), pause_s=self.pause_s)
        archive.unlink()
        saved = {"harness": harness, "harness_session": session, "state": key, "saved_at": self._clock().isoformat()}
        await retry_transient(lambda: self._change(**saved), pause_s=self.pause_s)
        if before and before != key:
            with contextlib.suppress(TransientError):  # an old archive does no harm
                await self._store.delete(before)
        return left_out

    async def release(self) -> None:
        """Unlock the session for the next run."""
        await self._change(holder="", until="")

    async def _change(self, **fields: str) -> None:
        """Write these fields, one write at a time; TransientError if another run took the session."""
        async with self._lock:
            self.record, self._version = await swap_record(
                self._store,
                keys.session_record_key(self.record.key),
                self.record,
                self._version,
                change=lambda record: dataclasses.replace(record, **fields),
                encode=_to_json,
                decode=lambda content: _from_json(self.record.key, content),
                is_own=lambda found: found.holder == self._run,
                lost=TransientError(f"session {self.record.key} was taken by another run"),
            )


async def _in_thread(act: Callable[[Callable[[], bool]], T]) -> T:
    """Run it in a thread, which learns when its caller has stopped waiting."""
    given_up = threading.Event()
    try:
        return await asyncio.to_thread(act, given_up.is_set)
    finally:
        given_up.set()


async def acquire_session(store: Store, key: str, run: str, *, clock: Clock) -> Session | str:
    """The session, locked by this run, or the id of the run that holds it."""
    until = (clock() + lease_times(store).lease).isoformat()
    name = keys.session_record_key(key)
    stored = await store.get(name)
    if stored is None:
        new = SessionRecord(key=key, holder=run, until=until)
        version = await store.put_if_absent(name, _to_json(new))
        return Session(store, run, new, version, clock) if version else "another run"
    record = _from_json(key, stored.content)
    if record.holder not in ("", run) and await _is_held(store, record, clock=clock):
        return record.holder
    taken = dataclasses.replace(record, holder=run, until=until)
    version = await store.compare_and_swap(name, _to_json(taken), stored.version)
    return Session(store, run, taken, version, clock) if version else "another run"


async def _is_held(store: Store, record: SessionRecord, *, clock: Clock) -> bool:
    """Whether the holder may still be at work: it runs, and its lease is valid. Without a record, its time decides."""
    holder = await load_record(store, record.holder)
    if holder is None:
        return _time(record) > clock()
    return holder[0].status == "running" and not is_expired(holder[0], clock())


def _to_json(record: SessionRecord) -> bytes:
    return json.dumps(dataclasses.asdict(record), ensure_ascii=False).encode(errors="replace")


def _from_json(key: str, content: bytes) -> SessionRecord:
    """The record, without fields that this release does not know; UnmoorRuntimeError if it is invalid."""
    known = {f.name for f in dataclasses.fields(SessionRecord)}
    try:
        record = SessionRecord(**{k: str(v) for k, v in json.loads(content).items() if k in known})
        if record.holder:
            _time(record)
        return record
    except (ValueError, TypeError, AttributeError):
        raise UnmoorRuntimeError(
            f"session {key}: {keys.session_record_key(key)} is not a record that this release can read"
        ) from None


def _time(record: SessionRecord) -> datetime:
    until = datetime.fromisoformat(record.until)
    return until if until.tzinfo else until.replace(tzinfo=UTC)


@asynccontextmanager
async def session_lock(
    key: str, run: str, host: RunContext, stop: Stop, journal: EventLog
) -> AsyncIterator[Session | None]:
    """The session of that key, held while the block runs; None if the run was ended before the session was free."""
    session = await _acquire(key, run, host, stop, journal)
    if session is None:
        yield None
        return
    session.pause_s = host.timeouts.store_s
    try:
        yield session
    finally:
        with contextlib.suppress(TransientError):  # the lease expires
            await retry_transient(session.release, pause_s=host.timeouts.store_s)


async def _acquire(key: str, run: str, host: RunContext, stop: Stop, journal: EventLog) -> Session | None:
    holder = ""
    while True:
        held = await retry_transient(
            lambda: acquire_session(host.store, key, run, clock=host.clock), pause_s=host.timeouts.store_s
        )
        if isinstance(held, Session):
            return held
        if stop.cause:
            return None
        if held != holder:
            journal.add(Notice(level="info", text=f"waiting for run {held}, which holds session {key}"))
            holder = held
        await wait_event(stop.event, host.timeouts.session_poll_s)
