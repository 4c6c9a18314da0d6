"""Finds the file that a confined thread names, as that thread would, and holds it by a handle."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import struct
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from .libc import LIBC
from .processes import read_memory

AT_FDCWD = -100
LONGEST_PATH = 4096
PAGE = os.sysconf("SC_PAGE_SIZE")
# openat2() since Linux 5.6, the same number on every architecture: https://man7.org/linux/man-pages/man2/openat2.2.html
OPENAT2, NO_MAGIC_LINKS = 437, 0x02
# The ways to name a thread's own descriptor by a path, which would name the supervisor's.
OWN_DESCRIPTOR = re.compile(rb"(?:/proc/(?:self|thread-self|(\d+))/fd|/dev/fd)/(\d+)")


def read_path(thread: int, address: int) -> bytes:
    """The path in a thread's memory; OSError if it is not mapped or too long."""
    path = b""
    while len(path) < LONGEST_PATH:
        # Never beyond the page: the next one may not be mapped.
        piece = read_memory_of(thread, address + len(path), PAGE - (address + len(path)) % PAGE)
        end = piece.find(b"\0")
        if end >= 0:
            return path + piece[:end]
        path += piece
    raise OSError(errno.ENAMETOOLONG, "path too long")


@contextmanager
def open_as_thread(thread: int, folder: int, path: bytes, *, follow: bool) -> Iterator[int]:
    """A handle of the file that the path names from that folder, the thread's descriptor; an empty path names the
    descriptor's own file. OSError if there is none, or if the way leads through another process's descriptors."""
    own = OWN_DESCRIPTOR.fullmatch(path)
    if own and follow and own[1] in (None, str(thread).encode()):
        folder, path = int(own[2]), b""
    start = f"/proc/{thread}/{'cwd' if folder == AT_FDCWD else f'fd/{folder}'}"
    try:
        handle = os.open("/" if path.startswith(b"/") else start, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        raise OSError(errno.EBADF, "not open") from None
    try:
        if path:
            outer, handle = handle, -1
            try:
                handle = _open_at(outer, path, 0 if follow else os.O_NOFOLLOW)
            finally:
                os.close(outer)
        yield handle
    finally:
        if handle >= 0:
            os.close(handle)


def is_below(handle: int, roots: Collection[str]) -> bool:
    """Whether the handle's file is one of these, or lies below one."""
    name = os.readlink(f"/proc/self/fd/{handle}")
    return any(name == root or name.startswith(f"{root.rstrip('/')}/") for root in roots)


def _open_at(folder: int, path: bytes, flags: int) -> int:
    how = struct.pack("=QQQ", os.O_PATH | os.O_CLOEXEC | flags, 0, NO_MAGIC_LINKS)
    handle = int(LIBC.syscall(OPENAT2, folder, path, how, ctypes.c_size_t(len(how))))
    if handle < 0:
        raise OSError(ctypes.get_errno(), "openat2")
    return handle


def read_memory_of(thread: int, address: int, length: int) -> bytes:
    """That piece of a thread's memory; OSError, as the kernel's own answer would be, if it cannot be read."""
    try:
        piece = read_memory(thread, address, length)
    except PermissionError:
        raise OSError(errno.EPERM, "memory not readable") from None
    except OSError:
        piece = b""
    if len(piece) < length:
        raise OSError(errno.EFAULT, "not mapped")
    return piece
