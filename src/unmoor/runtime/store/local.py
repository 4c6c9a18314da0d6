"""A store in a folder: what obstore's own local store lacks is compare-and-swap, also between processes.

Every object is a file. A write is made beside it and renamed, so that a reader sees the old content or the new one,
and put-if-absent is a hard link, which fails where the name is taken. A swap holds a lock file's flock, one of 64 by
the key's digest, while it compares and renames. Locks and unfinished files lie in `.unmoor` folders below the first
part of the key, so that each first part can be a volume of its own, as it is on a machine with Docker. A version is
the file's inode and time of change: a rename gives it a new inode.
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
# A listing is read in pieces of this many objects.
BATCH = 500
# A folder is no object, and below a file there is none.
ABSENT = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
T = TypeVar("T")


class LocalStore:
    """The store in that folder, which is made when it is first written to."""

    is_local = True

    def __init__(self, root: Path) -> None:
        self.root = root

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
        except (OSError, ValueError) as error:  # a name that no file can have is a ValueError
            said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise TransientError(f"store {self.root}: {key}: {said}") from error

    def _get(self, key: str) -> StoredObject | None:
        try:
            with self._path(key).open("rb") as file:
                version = _version(os.fstat(file.fileno()))
                return StoredObject(content=file.read(), version=version)
        except ABSENT:
            return None

    def _create(self, key: str, content: bytes) -> str | None:
        with self._unfinished(key) as draft:
            _write(draft, content)
            target = self._path(key)
            # Of the draft, which is the same file: under the key there may already be what somebody put after it.
            version = _version(os.stat(draft))
            try:
                _made(target, lambda: os.link(draft, target))
            except FileExistsError:
                return None
            _sync_folder(target.parent)
            return version

    def _replace(self, key: str, content: bytes, version: str) -> str | None:
        with self._unfinished(key) as draft, self._locked(key):
            target = self._path(key)
            try:
                if _version(os.stat(target)) != version:
                    return None
            except ABSENT:
                return None
            return _placed(draft, content, target)

    def _put(self, key: str, content: bytes) -> str:
        with self._unfinished(key) as draft, self._locked(key):
            return _placed(draft, content, self._path(key))

    def _delete(self, key: str) -> None:
        with self._locked(key), suppress(*ABSENT):
            self._path(key).unlink()

    def _entries(self, folder: str, prefix: str, after: str) -> Iterator[StoreEntry]:
        """The objects below the folder in their keys' order, found as they are asked for."""
        for key, found in self._children(folder, prefix):
            if key.endswith("/"):
                if not after.startswith(key) and key < after:
                    continue  # all of it comes before
                yield from self._entries(found.path, key, after)
            elif key > after and (entry := _entry(key, found)):
                yield entry

    def _children(self, folder: str, prefix: str) -> list[tuple[str, os.DirEntry[str]]]:
        """What lies directly in the folder, sorted as keys are: the key of a folder ends with `/`."""
        try:
            with os.scandir(folder) as found:
                items = [(f"{prefix}{f.name}{'/' if f.is_dir() else ''}", f) for f in found if f.name != OWN]
        except ABSENT:
            return []
        return sorted(items, key=itemgetter(0))

    def _upload(self, key: str, path: Path) -> None:
        with self._unfinished(key) as draft, self._locked(key):
            shutil.copyfile(path, draft)
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            target = self._path(key)
            _made(target, lambda: os.replace(draft, target))
            _sync_folder(target.parent)

    def _download(self, key: str, path: Path) -> bool:
        try:
            shutil.copyfile(self._path(key), path)
        except ABSENT:
            return False
        return True

    def _path(self, key: str) -> Path:
        return self.root / key

    @contextmanager
    def _unfinished(self, key: str) -> Iterator[Path]:
        folder = self._own(key)
        path = folder / f"draft-{os.getpid()}-{secrets.token_hex(8)}"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        shard = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % LOCKS
        handle = os.open(self._own(key) / f"lock-{shard}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _own(self, key: str) -> Path:
        first = key.split("/", 1)[0] if "/" in key else ""
        folder = self.root / first / OWN
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _entry(key: str, found: os.DirEntry[str]) -> StoreEntry | None:
    try:
        status = found.stat()
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


def _placed(draft: Path, content: bytes, target: Path) -> str:
    _write(draft, content)
    version = _version(os.stat(draft))
    _made(target, lambda: os.replace(draft, target))
    _sync_folder(target.parent)
    return version


def _made(target: Path, put: Callable[[], None]) -> None:
    """Puts it, after making the folders above it where they are not there."""
    try:
        put()
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
        put()


def _sync_folder(folder: Path) -> None:
    """A name is durable when its folder is."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
