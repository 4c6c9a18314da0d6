"""Folders that a harness filled: walked and removed whatever it made of them.

It may have taken every right from a folder, nested folders deeper than a path or a stack can go, or put links where
folders were. The runner owns what its harness owns, so it gives itself the rights back; a link is never followed.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# A longer path below a folder is left out: another machine's folder may be named at more length than this one's.
LONGEST = 3500
MOVED_UP = 2000
OWNER = stat.S_IRWXU


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """An entry below a folder: its path from there, and what it is; `status` is None for what cannot be looked into."""

    name: str
    path: str
    status: os.stat_result | None


def walk(root: Path) -> Iterator[TreeEntry]:
    """Everything below the folder, each folder before what is in it, in the order of names."""
    pending = [""]
    while pending:
        name = pending.pop()
        try:
            entries = _entries(root, name)
        except OSError:
            yield TreeEntry(name=name, path=os.path.join(root, name), status=None)
            continue
        folders: list[str] = []
        for found in entries:
            yield found
            if found.status and stat.S_ISDIR(found.status.st_mode):
                folders.append(found.name)
        pending += reversed(folders)


def make_readable(path: str, status: os.stat_result, *, least: int = stat.S_IRUSR) -> None:
    """Gives the owner the rights to the file or folder that it may have taken from itself."""
    if status.st_mode & least != least:
        os.chmod(path, stat.S_IMODE(status.st_mode) | least)


def remove_tree(folder: Path) -> None:
    """Removes the folder and all below it, as far as the machine lets it; nothing where it is not there.

    What is nested deep is moved up before it is emptied, so that no path becomes longer than a path may be.
    """
    with contextlib.suppress(OSError):
        if not stat.S_ISDIR(folder.lstat().st_mode):
            return folder.unlink()
        _empty(folder)
        folder.rmdir()


def _entries(root: Path, name: str) -> list[TreeEntry]:
    folder = os.path.join(root, name) if name else str(root)
    make_readable(folder, os.lstat(folder), least=OWNER)
    found: list[TreeEntry] = []
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        below = f"{name}/{entry.name}" if name else entry.name
        status = None if len(os.fsencode(below)) > LONGEST else entry.stat(follow_symlinks=False)
        found.append(TreeEntry(name=below, path=entry.path, status=status))
    return found


def _empty(top: Path) -> None:
    pending, moved = [(str(top), False)], 0
    while pending:
        folder, emptied = pending.pop()
        if emptied:
            with contextlib.suppress(OSError):
                os.rmdir(folder)
            continue
        if folder != str(top):
            pending.append((folder, True))
        for path in _folders(folder):
            if len(path) > MOVED_UP:
                moved += 1
                path = _moved_up(path, top, moved)
            pending.append((path, False))


def _folders(folder: str) -> list[str]:
    """The folders in a folder, once all else in it is removed."""
    found: list[str] = []
    with contextlib.suppress(OSError):
        os.chmod(folder, OWNER)
        for entry in list(os.scandir(folder)):
            if entry.is_dir(follow_symlinks=False):
                found.append(entry.path)
            else:
                os.unlink(entry.path)
    return found


def _moved_up(path: str, top: Path, number: int) -> str:
    """Where the folder is now; where it was if it cannot be moved."""
    target = os.path.join(top, f".moved-{os.getpid()}-{number}")
    with contextlib.suppress(OSError):
        os.chmod(path, OWNER)  # to be moved it must be writable itself
        os.rename(path, target)
        return target
    return path
