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

from .file_tree import TreeEntry, make_readable, walk

# The fastest level compresses sources and logs well; a higher one would be the bottleneck.
LEVEL = 1
THREADS = 2
BUFFER = 1024 * 1024


class CorruptArchive(Exception):
    """A damaged archive; the message says how, in one line."""


def pack(root: Path, folders: Iterable[str], archive: Path, *, given_up: Callable[[], bool] = lambda: False) -> int:
    """Archives the folders below the root that exist; how many entries were left out as too deep or unreadable. Ends
    early, with a partial archive, once `given_up` returns true."""
    compressor = zstandard.ZstdCompressor(level=LEVEL, threads=THREADS)
    left_out = 0
    with (
        archive.open("wb") as file,
        compressor.stream_writer(file, write_size=BUFFER) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, bufsize=BUFFER) as tar,
    ):
        for entry in _entries(root, folders):
            if given_up():
                break
            left_out += not _add(tar, entry)
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


def is_real_folder(root: Path, folder: str) -> bool:
    """Whether every component from the root to the folder is a folder and not a link."""
    path = root
    for part in folder.split("/"):
        path = path / part
        try:
            if not stat.S_ISDIR(path.lstat().st_mode):
                return False
        except OSError:
            return False
    return True


def _entries(root: Path, folders: Iterable[str]) -> Iterator[TreeEntry]:
    for folder in folders:
        if is_real_folder(root, folder):
            path = root / folder
            yield TreeEntry(name=folder, path=str(path), status=path.lstat())
            yield from (dataclasses.replace(found, name=f"{folder}/{found.name}") for found in walk(path))


def _add(tar: tarfile.TarFile, found: TreeEntry) -> bool:
    """Packs one entry; False if it had to be left out. Sockets, pipes and devices are ignored."""
    status = found.status
    if status is None:
        return False
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        return True
    try:
        entry = tar.gettarinfo(found.path, arcname=found.name)
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        if not entry.isreg():
            tar.addfile(entry)
            return True
        make_readable(found.path, status)
        with os.fdopen(os.open(found.path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as content:
            tar.addfile(entry, content)
        return True
    except (FileNotFoundError, PermissionError):
        return False
