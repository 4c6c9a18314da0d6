"""Sessions: what runs of one key hand on to each other, one at a time.

The record says who holds the session, and which archive is its newest state. The archive of a run is put under a name
of its own and named by the record when it is whole, so that a run that dies while it saves loses nothing of the last.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from . import layout
from .claim import LEASE, Clock
from .errors import InfrastructureFault
from .packed import pack, unpack
from .store.objects import Store


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
        self.record = record

    async def restore(self, root: Path, scratch: Path) -> bool:
        """Unpacks the newest state below the root; False where there is none."""
        if not self.record.state:
            return False
        archive = scratch / "session.tar.zst"
        if not await self._store.download(self.record.state, archive):
            raise InfrastructureFault(f"session {self.record.key}: {self.record.state} is not in the store")
        await asyncio.to_thread(unpack, archive, root)
        archive.unlink()
        return True

    async def renew(self) -> None:
        """Holds it for longer; InfrastructureFault where it is somebody else's by now."""
        await self._write(dataclasses.replace(self.record, until=_until(self._clock)))

    async def save(self, root: Path, folders: tuple[str, ...], scratch: Path, *, harness: str, session: str) -> None:
        """Packs the folders below the root, and makes that the session's state."""
        archive = scratch / "session.tar.zst"
        await asyncio.to_thread(pack, root, folders, archive)
        key, before = layout.session_state(self.record.key, self._run), self.record.state
        await self._store.upload(key, archive)
        archive.unlink()
        now = self._clock().isoformat()
        await self._write(
            dataclasses.replace(self.record, harness=harness, harness_session=session, state=key, saved_at=now)
        )
        if before and before != key:
            await self._store.delete(before)

    async def release(self) -> None:
        """Lets the next run of the key have it."""
        await self._write(dataclasses.replace(self.record, holder="", until=""))

    async def _write(self, record: SessionRecord) -> None:
        content = _to_json(record)
        version = await self._store.replace(layout.session_record(record.key), content, self._version)
        if version is None:
            stored = await self._store.get(layout.session_record(record.key))
            if stored is None or stored.content != content:
                raise InfrastructureFault(f"session {record.key} was taken by another run")
            version = stored.version
        self.record, self._version = record, version


async def hold(store: Store, key: str, run: str, *, clock: Clock) -> Session | str:
    """The session, held by this run, or the id of the run that holds it now."""
    wanted = SessionRecord(key=key, holder=run, until=_until(clock))
    name = layout.session_record(key)
    if version := await store.create(name, _to_json(wanted)):
        return Session(store, run, wanted, version, clock)
    stored = await store.get(name)
    if stored is None:
        return "another run"
    record = SessionRecord(**json.loads(stored.content))
    if record.holder not in ("", run) and datetime.fromisoformat(record.until) > clock():
        return record.holder
    taken = dataclasses.replace(record, holder=run, until=wanted.until)
    version = await store.replace(name, _to_json(taken), stored.version)
    return Session(store, run, taken, version, clock) if version else "another run"


def _until(clock: Clock) -> str:
    return (clock() + LEASE).isoformat()


def _to_json(record: SessionRecord) -> bytes:
    return json.dumps(dataclasses.asdict(record), ensure_ascii=False).encode(errors="replace")
