"""Landlock: which files a process may open and which ports it may connect to, without any privilege.

https://docs.kernel.org/userspace-api/landlock.html; the numbers are those of linux/landlock.h. The ruleset is created
before the fork, so that the child makes only one call.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from .libc import LIBC, SystemCallError

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
GET_VERSION = 1
PATH_BENEATH, NET_PORT = 1, 2
CONNECT_TCP = 1 << 1
SCOPE_ABSTRACT_UNIX, SCOPE_SIGNAL = 1 << 0, 1 << 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
# Removing and creating entries of every kind (bits 4 to 12), since the first version.
CHANGE_FOLDERS = sum(1 << bit for bit in range(4, 13))
REFER, TRUNCATE, IOCTL_DEVICE = 1 << 13, 1 << 14, 1 << 15
# The first version with each right.
FILE_RIGHTS_SINCE = {REFER: 2, TRUNCATE: 3, IOCTL_DEVICE: 5}
PTRACE_SINCE, TRUNCATE_SINCE, NET_SINCE, SCOPES_SINCE = 1, 3, 4, 6

READ = EXECUTE | READ_FILE | READ_DIR
WRITE = READ | WRITE_FILE | CHANGE_FOLDERS | REFER | TRUNCATE | IOCTL_DEVICE
# The rights that a rule on a single file may have.
OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEVICE


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The allowed paths to read and execute, paths to change, TCP ports to connect to, and whether Unix sockets may be
    created at all, which seccomp decides."""

    read: tuple[str, ...]
    write: tuple[str, ...]
    ports: tuple[int, ...]
    local_sockets: bool = False


def version() -> int:
    """The kernel's version of Landlock; 0 if it has none or it is disabled."""
    return max(int(LIBC.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(GET_VERSION))), 0)


def ruleset(rules: Rules, abi: int) -> int:
    """A file descriptor of the rules, as far as this version of Landlock supports them; the caller closes it.

    Paths that do not exist are skipped.
    """
    handled = file_rights(abi)
    net = CONNECT_TCP if abi >= NET_SINCE else 0
    scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL if abi >= SCOPES_SINCE else 0
    attributes = struct.pack("QQQ", handled, net, scoped)[: 24 if scoped else 16 if net else 8]
    descriptor = _call(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint(0))
    try:
        _add_paths(descriptor, rules.read, READ & handled)
        _add_paths(descriptor, rules.write, WRITE & handled)
        for port in rules.ports if net else ():
            _add(descriptor, NET_PORT, struct.pack("QQ", CONNECT_TCP, port))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def file_rights(abi: int) -> int:
    """Every file right in this version."""
    first = EXECUTE | WRITE_FILE | READ_FILE | READ_DIR | CHANGE_FOLDERS
    return first | sum(right for right, since in FILE_RIGHTS_SINCE.items() if abi >= since)


def _add_paths(descriptor: int, paths: Iterable[str], rights: int) -> None:
    for path in paths:
        try:
            handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            allowed = rights if os.path.isdir(path) else rights & OF_A_FILE
            _add(descriptor, PATH_BENEATH, struct.pack("=Qi", allowed, handle))
        finally:
            os.close(handle)


def _add(descriptor: int, kind: int, attributes: bytes) -> None:
    _call(ADD_RULE, ctypes.c_int(descriptor), ctypes.c_int(kind), attributes, ctypes.c_uint(0))


def _call(number: int, *arguments: object) -> int:
    result = int(LIBC.syscall(number, *arguments))
    if result < 0:
        raise SystemCallError(ctypes.get_errno(), f"landlock call {number}")
    return result
