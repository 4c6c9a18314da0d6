"""Files below a folder that a harness filled, found by handles that follow no link.

A run can leave a link anywhere in its workspace, and the next run of the session, whose runner is not confined, meets
it. So every path in such a folder is opened part by part, each relative to a handle of the one before.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW


@contextmanager
def open_top(folder: Path) -> Iterator[int]:
    """A handle of a folder that the runner has made; OSError if something else is in its place."""
    handle = os.open(folder, FOLDER)
    try:
        yield handle
    finally:
        os.close(handle)


def open_below(top: int, name: str, flags: int) -> int:
    """Opens a file or folder below the top; OSError if a part of the name is a link."""
    with parent_below(top, name) as (parent, last):
        return os.open(last, flags | os.O_NOFOLLOW, dir_fd=parent)


@contextmanager
def parent_below(top: int, name: str) -> Iterator[tuple[int, str]]:
    """A handle of the folder that holds that name, and the name's last part."""
    *folders, last = _parts(name)
    handle = os.dup(top)
    try:
        for folder in folders:
            handle = _replace(handle, os.open(folder, FOLDER, dir_fd=handle))
        yield handle, last
    finally:
        os.close(handle)


@contextmanager
def make_parent_below(top: int, name: str) -> Iterator[tuple[int, str]]:
    """The same; folders that are missing are made, and links and files in their place are removed first."""
    *folders, last = _parts(name)
    handle = os.dup(top)
    try:
        for folder in folders:
            handle = _replace(handle, _make_folder(handle, folder))
        yield handle, last
    finally:
        os.close(handle)


def status_below(top: int, name: str) -> os.stat_result | None:
    """What is at that name itself, not what a link there leads to; None if nothing is, or only beyond a link."""
    try:
        with parent_below(top, name) as (parent, last):
            return os.stat(last, dir_fd=parent, follow_symlinks=False)
    except OSError:
        return None


def is_folder_below(top: int, name: str) -> bool:
    """Whether the name and each of its parents are folders."""
    status = status_below(top, name)
    return status is not None and stat.S_ISDIR(status.st_mode)


def write_below(top: int, name: str, content: bytes, *, mode: int) -> None:
    """Writes a file, after removing whatever is in its place."""
    with make_parent_below(top, name) as (parent, last):
        remove_entry(parent, last)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(last, flags, 0o600, dir_fd=parent), "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)


def move_below(source: Path, top: int, name: str) -> None:
    """Moves a folder of the runner's own to that name; OSError if something is there."""
    with make_parent_below(top, name) as (parent, last):
        os.rename(source, last, dst_dir_fd=parent)


def remove_entry(parent: int, name: str) -> None:
    """Removes a file, link or folder with its contents, if there is one."""
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in (errno.EISDIR, errno.EPERM):
            raise
        shutil.rmtree(name, dir_fd=parent)


def restore_permissions(parent: int, name: str, *, least: int) -> None:
    """Gives the owner's permissions back to a file or folder, as far as they are missing; not to a link."""
    with contextlib.suppress(OSError):
        handle = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=parent)
        try:
            restore_own_permissions(handle, least=least)
        finally:
            os.close(handle)


def restore_own_permissions(handle: int, *, least: int) -> None:
    """The same for what a handle is of."""
    mode = os.fstat(handle).st_mode
    if mode & least != least and not stat.S_ISLNK(mode):
        os.chmod(f"/proc/self/fd/{handle}", stat.S_IMODE(mode) | least)


def _parts(name: str) -> list[str]:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or name.startswith("/"):
        raise OSError(errno.EINVAL, "not a path below the folder", name)
    return parts


def _make_folder(parent: int, name: str) -> int:
    try:
        return os.open(name, FOLDER, dir_fd=parent)
    except FileNotFoundError:
        pass
    except OSError as error:
        if error.errno not in (errno.ENOTDIR, errno.ELOOP):
            raise
        os.unlink(name, dir_fd=parent)
    os.mkdir(name, dir_fd=parent)
    return os.open(name, FOLDER, dir_fd=parent)


def _replace(old: int, new: int) -> int:
    os.close(old)
    return new
