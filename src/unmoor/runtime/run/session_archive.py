"""A session's state as one archive: files, folders and links as they are, compressed with Zstandard.

Only what is really below the named folders is packed: a link is kept as a link and never followed, so that a harness
cannot have the runner read what it could not read itself.
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

# The fastest level compresses sources and logs well enough; a higher one would be the bottleneck.
LEVEL = 1
THREADS = 2
BUFFER = 1024 * 1024


class CorruptArchive(Exception):
    """An archive that is damaged; its text says how, in one line."""


def pack(root: Path, folders: Iterable[str], archive: Path, *, given_up: Callable[[], bool] = lambda: False) -> int:
    """Writes the folders below the root, those that are there, into the archive; how many of their entries had to be
    left out, since they lie too deep or cannot be read. It ends early, with half an archive, when it is given up."""
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
            left_out += not _added(tar, entry)
    return left_out


def unpack(archive: Path, root: Path, *, given_up: Callable[[], bool] = lambda: False) -> None:
    """Makes the archive's files below the root; nothing outside it is written, whatever the archive names.

    BrokenArchive where it is none, or only a part of one. It ends early when it is given up.
    """
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
    """Whether every step from the root to the folder is a folder of its own, and no link."""
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


def _added(tar: tarfile.TarFile, found: TreeEntry) -> bool:
    """Packs one entry; False where it had to be left out. Sockets, pipes and devices are nothing to be packed."""
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
