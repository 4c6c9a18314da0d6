"""A session's state as one archive: files, folders and links as they are, compressed with Zstandard.

Only what is really below the named folders is packed: a link is kept as a link and never followed, so that a harness
cannot have the runner read what it could not read itself.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterable
from pathlib import Path

import zstandard

from .untar import extract

# The fastest level compresses sources and logs well enough; a higher one would be the bottleneck.
LEVEL = 1
THREADS = 2
BUFFER = 1024 * 1024


def pack(root: Path, folders: Iterable[str], archive: Path) -> None:
    """Writes the folders below the root, those that are there, into the archive."""
    compressor = zstandard.ZstdCompressor(level=LEVEL, threads=THREADS)
    with (
        archive.open("wb") as file,
        compressor.stream_writer(file, write_size=BUFFER) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, bufsize=BUFFER) as tar,
    ):
        for folder in folders:
            if is_real_folder(root, folder):
                _add(tar, root, root / folder)


def unpack(archive: Path, root: Path) -> None:
    """Makes the archive's files below the root; nothing outside it is written, whatever the archive names."""
    root.mkdir(parents=True, exist_ok=True)
    with (
        archive.open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file, read_size=BUFFER) as stream,
        tarfile.open(fileobj=stream, mode="r|", bufsize=BUFFER) as tar,
    ):
        extract(tar, root)


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


def _add(tar: tarfile.TarFile, root: Path, folder: Path) -> None:
    for where, folders, names in os.walk(folder):
        links = [f for f in folders if os.path.islink(os.path.join(where, f))]
        folders[:] = sorted(f for f in folders if f not in links)
        _entry(tar, root, Path(where))
        for name in sorted([*names, *links]):
            _entry(tar, root, Path(where, name))


def _entry(tar: tarfile.TarFile, root: Path, path: Path) -> None:
    """One entry; sockets, pipes and devices are left out, and so is what went away or cannot be read."""
    try:
        status = path.lstat()
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode) or stat.S_ISLNK(status.st_mode)):
            return
        entry = tar.gettarinfo(path, arcname=path.relative_to(root).as_posix())
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        if entry.isreg():
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as content:
                tar.addfile(entry, content)
        else:
            tar.addfile(entry)
    except (FileNotFoundError, PermissionError):
        return
