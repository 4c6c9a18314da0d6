"""A store in a folder, with the compare-and-swap, also between processes, that obstore's own local store lacks.

Every object is a file. A write creates a draft and renames it, so that a reader sees the old content or the new one.
put-if-absent is a hard link, which fails if the name exists. A swap holds a lock file's flock, one of 64 by the key's
digest, while it compares and renames. Locks and drafts are in `.unmoor` folders below the first part of the key, so
that each first part can be a volume of its own, as with Docker. A version is the file's inode and modification time: a
rename gives it a new inode.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import itertools
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import TypeVar

from unmoor.runtime.errors import TransientError

from .protocol import StoredObject, StoreEntry

OWN = ".unmoor"
LOCKS = 64
# A draft that nobody wrote to for this long has no writer any more.
STALE_S = 86_400
# How many objects of a listing are read at once.
BATCH = 500
# A folder is not an object, and a file has none below it.
ABSENT = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
T = TypeVar("T")


class LocalStore:
    """A Store in a folder, which the first write creates."""

    is_local = True

    def __init__(self, root: Path) -> None:
        self.root = root
        self._swept: set[Path] = set()

    async def get(self, key: str) -> StoredObject | None:
        return await self._in_thread(key, lambda: self._get(key))

    async def put_if_absent(self, key: str, content: bytes) -> str | None:
        return await self._in_thread(key, lambda: self._create(key, content))

    async def compare_and_swap(self, key: str, content: bytes, version: str) -> str | None:
        return await self._in_thread(key, lambda: self._replace(key, content, version))

    async def put(self, key: str, content: bytes) -> str:
        return await self._in_thread(key, lambda: self._put(key, content))

    async def delete(self, key: str) -> None:
        await self._in_thread(key, lambda: self._delete(key))

    async def list(self, prefix: str, *, after: str = "") -> AsyncIterator[StoreEntry]:
        entries = self._entries(str(self.root / prefix.rstrip("/")), prefix, after)
        while batch := await self._in_thread(prefix, lambda: list(itertools.islice(entries, BATCH))):
            for entry in batch:
                yield entry

    async def upload(self, key: str, path: Path) -> None:
        await self._in_thread(key, lambda: self._upload(key, path))

    async def download(self, key: str, path: Path) -> bool:
        return await self._in_thread(key, lambda: self._download(key, path))

    async def _in_thread(self, key: str, act: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(act)
        except (OSError, ValueError) as error:  # ValueError: a name that no file can have
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise TransientError(f"store {self.root}: {key}: {reason}") from error

    def _get(self, key: str) -> StoredObject | None:
        with suppress(*ABSENT), (self.root / key).open("rb") as file:
            version = _version(os.fstat(file.fileno()))
            return StoredObject(content=file.read(), version=version)

    def _create(self, key: str, content: bytes) -> str | None:
        with self._draft(key) as draft:
            _write(draft, content)
            target = self.root / key
            # The draft is the same file; the key may already have a newer version.
            version = _version(os.stat(draft))
            try:
                _with_parents(target, lambda: os.link(draft, target))
            except FileExistsError:
                return None
            _sync_folder(target.parent)
            return version

    def _replace(self, key: str, content: bytes, version: str) -> str | None:
        target = self.root / key
        with self._draft(key) as draft, self._locked(key):
            current = ""
            with suppress(*ABSENT):
                current = _version(os.stat(target))
            if current != version:
                return None
            _write(draft, content)
            return _move(draft, target)

    def _put(self, key: str, content: bytes) -> str:
        with self._draft(key) as draft, self._locked(key):
            _write(draft, content)
            return _move(draft, self.root / key)

    def _delete(self, key: str) -> None:
        with self._locked(key), suppress(*ABSENT):
            (self.root / key).unlink()

    def _entries(self, folder: str, prefix: str, after: str) -> Iterator[StoreEntry]:
        """The objects below the folder in the order of their keys, read as the caller iterates."""
        for key, entry in self._children(folder, prefix):
            if key.endswith("/"):
                if after.startswith(key) or key >= after:
                    yield from self._entries(entry.path, key, after)
            elif key > after and (found := _store_entry(key, entry)):
                yield found

    def _children(self, folder: str, prefix: str) -> list[tuple[str, os.DirEntry[str]]]:
        """The folder's direct entries, sorted by key: the key of a folder ends with `/`."""
        try:
            with os.scandir(folder) as entries:
                items = [(f"{prefix}{e.name}{'/' if e.is_dir() else ''}", e) for e in entries if e.name != OWN]
        except ABSENT:
            return []
        return sorted(items, key=itemgetter(0))

    def _upload(self, key: str, path: Path) -> None:
        with self._draft(key) as draft, self._locked(key):
            shutil.copyfile(path, draft)
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            _move(draft, self.root / key)

    def _download(self, key: str, path: Path) -> bool:
        try:
            shutil.copyfile(self.root / key, path)
        except ABSENT:
            return False
        return True

    @contextmanager
    def _draft(self, key: str) -> Iterator[Path]:
        folder = self._own_folder(key)
        if folder not in self._swept:
            self._swept.add(folder)
            _remove_stale_drafts(folder, before=time.time() - STALE_S)
        path = folder / f"draft-{os.getpid()}-{secrets.token_hex(8)}"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        shard = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % LOCKS
        handle = os.open(self._own_folder(key) / f"lock-{shard}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _own_folder(self, key: str) -> Path:
        first = key.split("/", 1)[0] if "/" in key else ""
        folder = self.root / first / OWN
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _remove_stale_drafts(folder: Path, *, before: float) -> None:
    """Removes what writers left that were killed."""
    for draft in folder.glob("draft-*"):
        with suppress(FileNotFoundError):
            if draft.stat().st_mtime < before:
                draft.unlink()


def _store_entry(key: str, entry: os.DirEntry[str]) -> StoreEntry | None:
    try:
        status = entry.stat()
    except FileNotFoundError:
        return None  # deleted since it was listed
    modified = datetime.fromtimestamp(status.st_mtime, UTC)
    return StoreEntry(key=key, size_bytes=status.st_size, modified=modified, version=_version(status))


def _version(status: os.stat_result) -> str:
    return f"{status.st_ino}-{status.st_mtime_ns}"


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        # A kernel's own times are as coarse as its tick, and a new file may get the number of one just deleted.
        now = time.time_ns()
        os.utime(file.fileno(), ns=(now, now))
        os.fsync(file.fileno())


def _move(draft: Path, target: Path) -> str:
    """Renames the draft to the target; returns its version."""
    version = _version(os.stat(draft))
    _with_parents(target, lambda: os.replace(draft, target))
    _sync_folder(target.parent)
    return version


def _with_parents(target: Path, act: Callable[[], None]) -> None:
    """Acts, after creating the target's parent folders if they are missing."""
    try:
        act()
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
        act()


def _sync_folder(folder: Path) -> None:
    """A file's name is durable once its folder is."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
