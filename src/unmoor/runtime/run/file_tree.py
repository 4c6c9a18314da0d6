"""Walks and removes folders that a harness filled, whatever it did to them.

A harness may remove every permission, nest folders deeper than a path or a stack allows, or replace folders by links.
The runner owns the same files, so it restores permissions; it never follows a link.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Longer paths below a folder are skipped: on another machine the folder's own path may be longer.
LONGEST = 3500
MAX_DEPTH_PATH = 2000
OWNER = stat.S_IRWXU


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """An entry below a folder: its relative and full path; `status` is None if it cannot be read."""

    name: str
    path: str
    status: os.stat_result | None


def walk(root: Path) -> Iterator[TreeEntry]:
    """All entries below the folder, sorted by name, each folder before its contents."""
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
    """Restores the owner's permissions."""
    if status.st_mode & least != least:
        os.chmod(path, stat.S_IMODE(status.st_mode) | least)


def remove_tree(folder: Path) -> None:
    """Removes the folder with its contents, as far as possible.

    Deeply nested folders are moved up before they are emptied, so that no path becomes too long.
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
            if len(path) > MAX_DEPTH_PATH:
                moved += 1
                path = _move_up(path, top, moved)
            pending.append((path, False))


def _folders(folder: str) -> list[str]:
    """The folders in a folder, after removing everything else."""
    found: list[str] = []
    with contextlib.suppress(OSError):
        os.chmod(folder, OWNER)
        for entry in list(os.scandir(folder)):
            if entry.is_dir(follow_symlinks=False):
                found.append(entry.path)
            else:
                os.unlink(entry.path)
    return found


def _move_up(path: str, top: Path, number: int) -> str:
    """The folder's new path, or its old one if it cannot be moved."""
    target = os.path.join(top, f".moved-{os.getpid()}-{number}")
    with contextlib.suppress(OSError):
        os.chmod(path, OWNER)  # moving a folder requires write permission on it
        os.rename(path, target)
        return target
    return path
