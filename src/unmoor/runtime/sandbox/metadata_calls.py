"""Answers calls on the mode, times, owner and size of files: the supervisor makes the change itself, below the folders
that the harness may change.

Landlock covers none of these calls, and the size only since Linux 6.2
(https://docs.kernel.org/userspace-api/landlock.html#current-limitations). The path
is read once, and the change goes to the file that was found by it, so nothing that changes meanwhile leads elsewhere.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from .libc import LIBC
from .notification import Listener, Notification
from .opened_path import AT_FDCWD, is_below, open_as_thread, read_memory_of, read_path

AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH = 0x100, 0x1000
UNCHANGED = -1

# What a call does to the file behind a handle's path, with the index of its first argument after the path.
Change = Callable[[str, Notification, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The indexes of the arguments that name the file; None: the call has none. Without a path it is the folder's
    descriptor itself."""

    folder: int | None = None
    path: int | None = None
    flags: int | None = None
    follow: bool = True


class MetadataCalls:
    """OSError of a method is the answer to the call."""

    def __init__(self, listener: Listener, writable: Collection[str]) -> None:
        """For a sandbox that may write to these paths; devices stay as they are."""
        self._listener = listener
        self._roots = tuple(os.path.realpath(path) for path in writable if not path.startswith("/dev/"))

    def answer(self, name: str, call: Notification) -> None:
        """Answers the call of that name."""
        place, change, index = CALLS[name]
        flags = call.argument(place.flags) if place.flags is not None else 0
        folder = call.argument(place.folder) if place.folder is not None else AT_FDCWD
        path = self._path(call, place, flags)
        follow = place.follow and not flags & AT_SYMLINK_NOFOLLOW
        with open_as_thread(call.thread, folder, path, follow=follow) as handle:
            if not self._listener.is_waiting(call):
                return
            self._check(handle)
            change(f"/proc/self/fd/{handle}", call, index)
        self._listener.answer(call)

    def _path(self, call: Notification, place: Place, flags: int) -> bytes:
        """Empty where the call names its descriptor's own file."""
        address = call.arguments[place.path] if place.path is not None else 0
        if address == 0:
            if place.folder is None:
                raise OSError(errno.EFAULT, "no path")
            return b""
        path = read_path(call.thread, address)
        if not path and not flags & AT_EMPTY_PATH:
            raise OSError(errno.ENOENT, "empty path")
        return path

    def _check(self, handle: int) -> None:
        """The file lies where the harness may write, and is its own, as far as the supervisor may do more than it."""
        if not is_below(handle, self._roots):
            raise OSError(errno.EPERM, "outside of the folders that may be changed")
        if os.fstat(handle).st_uid != os.geteuid():
            raise OSError(errno.EPERM, "another user's file")


def _set_mode(file: str, call: Notification, index: int) -> None:
    os.chmod(file, call.arguments[index] & 0o7777)


def _keep_owner(file: str, call: Notification, index: int) -> None:
    """A harness has no capabilities, so it can give a file to nobody else."""
    now = os.stat(file, follow_symlinks=True)
    if call.argument(index) not in (UNCHANGED, now.st_uid) or call.argument(index + 1) not in (UNCHANGED, now.st_gid):
        raise OSError(errno.EPERM, "another owner")


def _truncate(file: str, call: Notification, index: int) -> None:
    os.truncate(file, ctypes.c_int64(call.arguments[index]).value)


def _set_times(unit: str, in_nanoseconds: int) -> Change:
    """`unit` is the format of the access and modification time that the argument points to."""
    layout = struct.Struct(unit)

    def change(file: str, call: Notification, index: int) -> None:
        times = None
        if call.arguments[index]:
            values = layout.unpack(read_memory_of(call.thread, call.arguments[index], layout.size))
            access, modification = (values[:2], values[2:]) if len(values) == 4 else ((values[0], 0), (values[1], 0))
            if in_nanoseconds > 1 and not all(0 <= part < 1_000_000 for part in (access[1], modification[1])):
                raise OSError(errno.EINVAL, "not microseconds")
            parts = (access[0], access[1] * in_nanoseconds, modification[0], modification[1] * in_nanoseconds)
            times = struct.pack("@4l", *parts)
        if LIBC.utimensat(AT_FDCWD, file.encode(), times, 0) != 0:
            raise OSError(ctypes.get_errno(), "utimensat")

    return change


CALLS: Mapping[str, tuple[Place, Change, int]] = {
    "chmod": (Place(path=0), _set_mode, 1),
    "fchmod": (Place(folder=0), _set_mode, 1),
    "fchmodat": (Place(folder=0, path=1), _set_mode, 2),
    "fchmodat2": (Place(folder=0, path=1, flags=3), _set_mode, 2),
    "chown": (Place(path=0), _keep_owner, 1),
    "lchown": (Place(path=0, follow=False), _keep_owner, 1),
    "fchown": (Place(folder=0), _keep_owner, 1),
    "fchownat": (Place(folder=0, path=1, flags=4), _keep_owner, 2),
    "truncate": (Place(path=0), _truncate, 1),
    "utime": (Place(path=0), _set_times("@2l", 1), 1),
    "utimes": (Place(path=0), _set_times("@4l", 1000), 1),
    "futimesat": (Place(folder=0, path=1), _set_times("@4l", 1000), 2),
    "utimensat": (Place(folder=0, path=1, flags=3), _set_times("@4l", 1), 2),
}
