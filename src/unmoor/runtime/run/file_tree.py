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

from .below import open_top, parent_below, restore_own_permissions, restore_permissions

# Longer paths below a folder are skipped: on another machine the folder's own path may be longer.
LONGEST = 3500
MAX_DEPTH_PATH = 2000
OWNER = stat.S_IRWXU


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """An entry below a folder: its name from there; `status` is None if it cannot be read."""

    name: str
    status: os.stat_result | None


def walk(top: int) -> Iterator[TreeEntry]:
    """All entries below the folder, sorted by name, each folder before its contents."""
    pending = [""]
    while pending:
        name = pending.pop()
        try:
            entries = _entries(top, name)
        except OSError:
            yield TreeEntry(name=name, status=None)
            continue
        folders: list[str] = []
        for found in entries:
            yield found
            if found.status and stat.S_ISDIR(found.status.st_mode):
                folders.append(found.name)
        pending += reversed(folders)


def open_file(top: int, name: str) -> int:
    """A regular file below the folder, to be read, whatever its permissions are."""
    with parent_below(top, name) as (parent, last):
        restore_permissions(parent, last, least=stat.S_IRUSR)
        # A pipe in its place would wait for a writer.
        return os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)


def remove_tree(folder: Path) -> None:
    """Removes the folder with its contents, as far as possible.

    Deeply nested folders are moved up before they are emptied, so that no path becomes too long.
    """
    with contextlib.suppress(OSError):
        if not stat.S_ISDIR(folder.lstat().st_mode):
            return folder.unlink()
        with open_top(folder) as top:
            _empty(top)
        folder.rmdir()


def _entries(top: int, name: str) -> list[TreeEntry]:
    handle = _open_folder(top, name)
    try:
        found: list[TreeEntry] = []
        for entry in sorted(os.scandir(handle), key=lambda e: e.name):
            below = f"{name}/{entry.name}" if name else entry.name
            status = None if len(os.fsencode(below)) > LONGEST else entry.stat(follow_symlinks=False)
            found.append(TreeEntry(name=below, status=status))
        return found
    finally:
        os.close(handle)


def _open_folder(top: int, name: str) -> int:
    """A folder below the top, or the top itself, to be read and changed."""
    if not name:
        restore_own_permissions(top, least=OWNER)
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=top)
    with parent_below(top, name) as (parent, last):
        restore_permissions(parent, last, least=OWNER)
        return os.open(last, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)


def _empty(top: int) -> None:
    pending, moved = [("", False)], 0
    while pending:
        name, emptied = pending.pop()
        if emptied:
            with contextlib.suppress(OSError), parent_below(top, name) as (parent, last):
                os.rmdir(last, dir_fd=parent)
            continue
        if name:
            pending.append((name, True))
        for folder in _folders(top, name):
            if len(folder) > MAX_DEPTH_PATH:
                moved += 1
                folder = _move_up(top, folder, moved)
            pending.append((folder, False))


def _folders(top: int, name: str) -> list[str]:
    """The folders in a folder, after removing everything else."""
    found: list[str] = []
    with contextlib.suppress(OSError):
        handle = _open_folder(top, name)
        try:
            for entry in list(os.scandir(handle)):
                if entry.is_dir(follow_symlinks=False):
                    found.append(f"{name}/{entry.name}" if name else entry.name)
                else:
                    os.unlink(entry.name, dir_fd=handle)
        finally:
            os.close(handle)
    return found


def _move_up(top: int, name: str, number: int) -> str:
    """The folder's new name, or its old one if it cannot be moved."""
    target = f".moved-{os.getpid()}-{number}"
    with contextlib.suppress(OSError), parent_below(top, name) as (parent, last):
        restore_permissions(parent, last, least=OWNER)  # moving a folder requires write permission on it
        os.rename(last, target, src_dir_fd=parent, dst_dir_fd=top)
        return target
    return name
