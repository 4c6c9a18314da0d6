"""Answers inotify's calls: a harness watches only what it may read.

Landlock does not cover watches. As with sockets, the supervisor makes each inotify instance, gives the harness a copy
and adds the watches to its own, so that no path is read twice. It knows an instance again by its first watch, on a file
in memory that nobody else has.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .landlock import Rules
from .libc import LIBC
from .notification import Listener, Notification
from .opened_path import AT_FDCWD, is_below, open_as_thread, read_path
from .processes import SandboxMembers

DONT_FOLLOW, DELETE_SELF = 0x02000000, 0x00000400
# Linux allows a user 128 by default; more than a few are dropped as soon as nobody has them open.
MOST_INSTANCES, FEW = 128, 16
WATCH = re.compile(r"^inotify wd:[0-9a-f]+ ino:([0-9a-f]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Instance:
    """The supervisor's copy of an instance, and the file in memory by which it is known."""

    descriptor: int
    file: int

    def close(self) -> None:
        os.close(self.descriptor)
        os.close(self.file)


class FileWatches:
    """OSError of a method is the answer to the call."""

    def __init__(self, listener: Listener, members: SandboxMembers, rules: Rules) -> None:
        self._listener = listener
        self._members = members
        self._readable = tuple(os.path.realpath(path) for path in (*rules.read, *rules.write))
        self._instances: dict[int, _Instance] = {}
        self._crowded = FEW

    def create(self, call: Notification, flags: int | None = None) -> None:
        """inotify_init1(), and with these flags inotify_init()."""
        if len(self._instances) >= self._crowded:
            self._drop_closed()
            self._crowded = min(max(FEW, 2 * len(self._instances)), MOST_INSTANCES)
        if len(self._instances) >= MOST_INSTANCES:
            raise OSError(errno.EMFILE, "too many instances")
        flags = call.argument(0) if flags is None else flags
        number, instance = _create(flags)
        given = False
        try:
            close_on_exec = bool(flags & os.O_CLOEXEC)
            given = self._listener.give_descriptor(call, instance.descriptor, close_on_exec=close_on_exec)
        finally:
            if given:
                self._instances[number] = instance
            else:
                instance.close()

    def add(self, call: Notification) -> None:
        """inotify_add_watch(), on what the harness may read."""
        instance = next(self._find(call.thread, call.argument(0)), None)
        if instance is None:
            raise OSError(errno.EINVAL, "not an instance of this sandbox")
        mask = call.arguments[2] & 0xFFFFFFFF
        path = read_path(call.thread, call.arguments[1])
        if not path:
            raise OSError(errno.ENOENT, "empty path")
        with open_as_thread(call.thread, AT_FDCWD, path, follow=not mask & DONT_FOLLOW) as handle:
            if not self._listener.is_waiting(call):
                return
            if not is_below(handle, self._readable):
                raise OSError(errno.EACCES, "not readable")
            watch = _add_watch(instance.descriptor, f"/proc/self/fd/{handle}", mask & ~DONT_FOLLOW)
        self._listener.answer(call, value=watch)

    def close(self) -> None:
        for instance in self._instances.values():
            instance.close()
        self._instances.clear()

    def _find(self, thread: int, descriptor: int) -> Iterator[_Instance]:
        try:
            with open(f"/proc/{thread}/fdinfo/{descriptor}") as file:
                watches = file.read()
        except FileNotFoundError:
            raise OSError(errno.EBADF, "not open") from None
        for number in WATCH.findall(watches):
            if (found := self._instances.get(int(number, 16))) is not None:
                yield found

    def _drop_closed(self) -> None:
        """Drops the instances that no process of the sandbox has open any more."""
        held = {id(found) for process in self._members.processes() for found in self._open_in(process)}
        for number, instance in list(self._instances.items()):
            if id(instance) not in held:
                instance.close()
                del self._instances[number]

    def _open_in(self, process: int) -> Iterator[_Instance]:
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{process}/fd"):
                with contextlib.suppress(OSError):
                    if os.readlink(f"/proc/{process}/fd/{name}") == "anon_inode:inotify":
                        yield from self._find(process, int(name))


def _create(flags: int) -> tuple[int, _Instance]:
    descriptor = _checked(LIBC.inotify_init1(flags | os.O_CLOEXEC))
    try:
        file = os.memfd_create("unmoor-watch", os.MFD_CLOEXEC)
    except OSError:
        os.close(descriptor)
        raise
    instance = _Instance(descriptor=descriptor, file=file)
    try:
        _add_watch(descriptor, f"/proc/self/fd/{file}", DELETE_SELF)
    except OSError:
        instance.close()
        raise
    return os.fstat(file).st_ino, instance


def _add_watch(descriptor: int, path: str, mask: int) -> int:
    return _checked(LIBC.inotify_add_watch(descriptor, path.encode(), ctypes.c_uint32(mask)))


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    return result
