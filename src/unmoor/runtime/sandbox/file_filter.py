"""The part of the seccomp filter on files: what Landlock does not cover, or not yet in this kernel's version."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

from . import landlock
from .bpf import AND, JUMP_IF_EQUAL, allow, load_argument, notify, on_call, refuse, refuse_calls, step
from .call_groups import ATTRIBUTES, METADATA, TRUNCATION, WATCHES
from .syscall_numbers import Architecture

# The index of the flags of each call that opens by a path; openat2() passes them by a pointer.
OPEN_FLAGS = {"open": 1, "openat": 2}
# Access modes that do not write; 3 is Linux's own, for ioctl() alone.
NOT_WRITING = (os.O_RDONLY, os.O_ACCMODE)


def file_calls(of: Architecture, *, supervised: bool, abi: int) -> list[bytes]:
    """The supervisor changes modes and times, adds watches and truncates files; attributes are refused."""
    truncates = abi < landlock.TRUNCATE_SINCE
    notified = (*METADATA, *WATCHES, *(TRUNCATION if truncates else ())) if supervised else ()
    return [
        *(i for name in _present(of, notified) for i in on_call(of.calls[name], [notify()])),
        *(_truncation(of) if truncates else ()),
        *refuse_calls(of, ATTRIBUTES, errno.EOPNOTSUPP),
    ]


def _truncation(of: Architecture) -> list[bytes]:
    """Landlock's first versions let a file that may not be written be truncated: by name, and when it is opened to be
    read (https://docs.kernel.org/userspace-api/landlock.html#file-truncation-abi-3)."""
    refused = [step(AND, os.O_TRUNC | os.O_ACCMODE)]
    refused += [i for mode in NOT_WRITING for i in (step(JUMP_IF_EQUAL, os.O_TRUNC | mode, 0, 1), refuse(errno.EACCES))]
    return [
        *(
            i
            for name in _present(of, OPEN_FLAGS)
            for i in on_call(of.calls[name], [load_argument(OPEN_FLAGS[name]), *refused, allow()])
        ),
        *refuse_calls(of, ("openat2",), errno.ENOSYS),
        *refuse_calls(of, TRUNCATION, errno.EPERM),
    ]


def _present(of: Architecture, names: Iterable[str]) -> list[str]:
    return [name for name in names if name in of.calls]
