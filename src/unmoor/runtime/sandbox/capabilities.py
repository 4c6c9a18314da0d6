"""The capabilities of the calling thread: https://man7.org/linux/man-pages/man7/capabilities.7.html."""

from __future__ import annotations

import ctypes

from .libc import LIBC, SystemCallError

VERSION_3 = 0x20080522
CAP_SYS_PTRACE = 1 << 19


def keep_capabilities(kept: int) -> None:
    """Gives up all capabilities of the calling thread but these, as far as it has them."""
    header, held = (ctypes.c_uint32 * 2)(VERSION_3, 0), (ctypes.c_uint32 * 6)()
    _must(LIBC.capget(header, held), "capget")
    # Effective and permitted; nothing is inherited. The second half holds those from 32 on.
    lower = (held[0] & kept & 0xFFFFFFFF, held[1] & kept & 0xFFFFFFFF, 0)
    upper = (held[3] & kept >> 32, held[4] & kept >> 32, 0)
    _must(LIBC.capset(header, (ctypes.c_uint32 * 6)(*lower, *upper)), "capset")


def _must(result: int, what: str) -> None:
    if result != 0:
        raise SystemCallError(ctypes.get_errno(), what)
