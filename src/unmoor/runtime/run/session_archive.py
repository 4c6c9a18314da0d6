"""A session's state as one tar archive, compressed with Zstandard.

Links are packed as links and never followed, so that a harness cannot make the runner read files that it cannot read.
"""

from __future__ import annotations

import dataclasses
import os
import stat
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import zstandard

from unmoor.runtime.tar_extract import extract

from .below import FOLDER, is_folder_below, open_below, open_top, parent_below, status_below
from .file_tree import TreeEntry, open_file, walk

# The fastest level compresses sources and logs well; a higher one would be the bottleneck.
LEVEL = 1
THREADS = 2
BUFFER = 1024 * 1024
# Of all files, as large as they say they are.
MOST_BYTES = 16 * 1024**3


class CorruptArchive(Exception):
    """A damaged archive; the message says how, in one line."""


def pack(root: Path, folders: Iterable[str], archive: Path, *, given_up: Callable[[], bool] = lambda: False) -> int:
    """Archives the folders below the root that exist; how many entries were left out, as too deep, unreadable, or
    beyond MOST_BYTES in all. Ends early, with a partial archive, once `given_up` returns true."""
    compressor = zstandard.ZstdCompressor(level=LEVEL, threads=THREADS)
    left_out, room = 0, MOST_BYTES
    with (
        archive.open("wb") as file,
        compressor.stream_writer(file, write_size=BUFFER) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, bufsize=BUFFER) as tar,
        open_top(root) as top,
    ):
        for entry in _entries(top, folders):
            if given_up():
                break
            added = _add(tar, top, entry, room)
            left_out += added is None
            room -= added or 0
    return left_out


def unpack(archive: Path, root: Path, *, given_up: Callable[[], bool] = lambda: False) -> None:
    """Extracts the archive below the root and never outside it; CorruptArchive if it is damaged or incomplete. Ends
    early once `given_up` returns true."""
    root.mkdir(parents=True, exist_ok=True)
    try:
        with (
            archive.open("rb") as file,
            zstandard.ZstdDecompressor().stream_reader(file, read_size=BUFFER) as stream,
            tarfile.open(fileobj=stream, mode="r|", bufsize=BUFFER) as tar,
        ):
            extract(tar, root, given_up=given_up)
    except (zstandard.ZstdError, tarfile.TarError, EOFError, FileExistsError) as error:
        raise CorruptArchive(" ".join(str(error).split())[:200] or type(error).__name__) from error


def _entries(top: int, folders: Iterable[str]) -> Iterator[TreeEntry]:
    for folder in folders:
        if is_folder_below(top, folder):
            yield TreeEntry(name=folder, status=status_below(top, folder))
            handle = open_below(top, folder, FOLDER)
            try:
                yield from (dataclasses.replace(found, name=f"{folder}/{found.name}") for found in walk(handle))
            finally:
                os.close(handle)


def _add(tar: tarfile.TarFile, top: int, found: TreeEntry, room: int) -> int | None:
    """Packs one entry and returns the bytes of its content; None if it had to be left out, also because it takes more
    than `room`. Sockets, pipes and devices are ignored."""
    status = found.status
    if status is None:
        return None
    if stat.S_ISREG(status.st_mode):
        return _add_file(tar, top, found.name, status, room)
    if stat.S_ISDIR(status.st_mode):
        tar.addfile(_described(found.name, status, tarfile.DIRTYPE))
    elif stat.S_ISLNK(status.st_mode):
        entry = _described(found.name, status, tarfile.SYMTYPE)
        try:
            with parent_below(top, found.name) as (parent, last):
                entry.linkname = os.readlink(last, dir_fd=parent)
        except OSError:
            return None
        tar.addfile(entry)
    return 0


def _add_file(tar: tarfile.TarFile, top: int, name: str, found: os.stat_result, room: int) -> int | None:
    """A file with several names is packed under each, and a sparse file as large as it says it is. It keeps the mode
    that it had when it was found."""
    try:
        handle = open_file(top, name)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as content:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size > room:
            return None
        entry = _described(name, found, tarfile.REGTYPE)
        entry.size = status.st_size
        tar.addfile(entry, content)
    return status.st_size


def _described(name: str, status: os.stat_result, kind: bytes) -> tarfile.TarInfo:
    """An entry without its owner."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.mtime = kind, stat.S_IMODE(status.st_mode), status.st_mtime
    return entry
