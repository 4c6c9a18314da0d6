"""The C library, for the few calls that Python does not offer."""

from __future__ import annotations

import ctypes

LIBC = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_SECCOMP = 22
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4


class SystemCallError(OSError):
    """A system call failed; errno says why."""


def hide_memory() -> None:
    """Makes this process's memory, environment and descriptors unreadable to processes of the same user.

    Programs that it starts are not affected: https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html
    """
    LIBC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
