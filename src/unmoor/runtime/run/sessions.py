"""Sessions: what runs of one key hand on to each other, one at a time.

The record says who holds the session, and which archive is its newest state. The archive of a run is put under a name
of its own and named by the record when it is whole, so that a run that dies while it saves loses nothing of the last.
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
from unmoor.runtime.store.protocol import Store
from unmoor.runtime.waiting import wait_event

from .context import RunContext
from .event_log import EventLog
from .lease import CONFLICTS, LEASE
from .retry import retry_transient
from .session_archive import CorruptArchive, pack, unpack
from .stop import Stop

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """A session: its key; which harness spoke last and what it calls the session; its newest archive, or empty; who
    holds it until when, or nobody."""

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
        self._one_at_a_time = asyncio.Lock()
        self.pause_s = 0.25
        self.record = record

    async def restore(self, root: Path, scratch: Path) -> bool:
        """Unpacks the newest state below the root; False where there is none."""
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

    async def renew(self) -> None:
        """Holds it for longer; InfrastructureFault where it is somebody else's by now."""
        await self._change(until=_until(self._clock))

    async def save(self, root: Path, folders: tuple[str, ...], scratch: Path, *, harness: str, session: str) -> int:
        """Packs the folders below the root, and makes that the session's state; how many entries had to be left out."""
        archive = scratch / "session.tar.zst"
        left_out = await _in_thread(lambda given_up: pack(root, folders, archive, given_up=given_up))
        key, before = keys.session_state_key(self.record.key, self._run), self.record.state
        await retry_transient(lambda: self._store.upload(key, archive), pause_s=self.pause_s)
        archive.unlink()
        saved = {"harness": harness, "harness_session": session, "state": key, "saved_at": self._clock().isoformat()}
        await retry_transient(lambda: self._change(**saved), pause_s=self.pause_s)
        if before and before != key:
            with contextlib.suppress(TransientError):  # it is in nobody's way
                await self._store.delete(before)
        return left_out

    async def release(self) -> None:
        """Lets the next run of the key have it."""
        await self._change(holder="", until="")

    async def _change(self, **fields: str) -> None:
        """Writes these fields. One write at a time: a renewal that is under way must not look like another's hold."""
        async with self._one_at_a_time:
            for _ in range(CONFLICTS):
                record = dataclasses.replace(self.record, **fields)
                version = await self._store.compare_and_swap(
                    keys.session_record_key(record.key), _to_json(record), self._version
                )
                if version is not None:
                    self.record, self._version = record, version
                elif not await self._settled(record):
                    continue
                return
        raise TransientError(f"session {self.record.key}: its record changes faster than it can be written")

    async def _settled(self, wanted: SessionRecord) -> bool:
        """Whether a write was made though its answer was lost; False where an earlier one of this run's came late."""
        stored = await self._store.get(keys.session_record_key(wanted.key))
        found = stored and _from_json(wanted.key, stored.content)
        if not stored or not found or (found != wanted and found.holder != self._run):
            raise TransientError(f"session {wanted.key} was taken by another run")
        self.record, self._version = found, stored.version
        return found == wanted


async def _in_thread(act: Callable[[Callable[[], bool]], T]) -> T:
    """Does it in a thread, which is told when nobody waits for it any more."""
    given_up = threading.Event()
    try:
        return await asyncio.to_thread(act, given_up.is_set)
    finally:
        given_up.set()


async def acquire_session(store: Store, key: str, run: str, *, clock: Clock) -> Session | str:
    """The session, held by this run, or the id of the run that holds it now."""
    wanted = SessionRecord(key=key, holder=run, until=_until(clock))
    name = keys.session_record_key(key)
    if version := await store.put_if_absent(name, _to_json(wanted)):
        return Session(store, run, wanted, version, clock)
    stored = await store.get(name)
    if stored is None:
        return "another run"
    record = _from_json(key, stored.content)
    if record.holder not in ("", run) and _time(record) > clock():
        return record.holder
    taken = dataclasses.replace(record, holder=run, until=wanted.until)
    version = await store.compare_and_swap(name, _to_json(taken), stored.version)
    return Session(store, run, taken, version, clock) if version else "another run"


def _until(clock: Clock) -> str:
    return (clock() + LEASE).isoformat()


def _to_json(record: SessionRecord) -> bytes:
    return json.dumps(dataclasses.asdict(record), ensure_ascii=False).encode(errors="replace")


def _from_json(key: str, content: bytes) -> SessionRecord:
    """The record; RuntimeFault where it is none. Members that this release does not know are passed over."""
    known = {f.name for f in dataclasses.fields(SessionRecord)}
    try:
        record = SessionRecord(**{k: str(v) for k, v in json.loads(content).items() if k in known})
        if record.holder:
            _time(record)
        return record
    except (ValueError, TypeError, AttributeError):
        raise UnmoorRuntimeError(
            f"session {key}: {keys.session_record_key(key)} is no record that this release reads"
        ) from None


def _time(record: SessionRecord) -> datetime:
    until = datetime.fromisoformat(record.until)
    return until if until.tzinfo else until.replace(tzinfo=UTC)


@asynccontextmanager
async def session_lock(
    key: str, run: str, host: RunContext, stop: Stop, journal: EventLog
) -> AsyncIterator[Session | None]:
    """The session of that key, held while the block runs; None where the run was told to end before it was free."""
    session = await _held(key, run, host, stop, journal)
    if session is None:
        yield None
        return
    session.pause_s = host.patience.store_s
    renewing = asyncio.create_task(_renew(session, host.patience.renew_s))
    try:
        yield session
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        with contextlib.suppress(TransientError):  # the lease runs out by itself
            await retry_transient(session.release, pause_s=host.patience.store_s)


async def _held(key: str, run: str, host: RunContext, stop: Stop, journal: EventLog) -> Session | None:
    said = ""
    while True:
        held = await retry_transient(
            lambda: acquire_session(host.store, key, run, clock=host.clock), pause_s=host.patience.store_s
        )
        if isinstance(held, Session):
            return held
        if stop.cause:
            return None
        if held != said:
            journal.add(Notice(level="info", text=f"waits for {held}, which holds session {key}"))
            said = held
        await wait_event(stop.event, host.patience.session_poll_s)


async def _renew(session: Session, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        with contextlib.suppress(TransientError):
            await session.renew()
