"""The instructions of a seccomp filter.

https://docs.kernel.org/userspace-api/seccomp_filter.html; the numbers are those of linux/bpf_common.h and
linux/seccomp.h.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterable

from .syscall_numbers import Architecture

LOAD, JUMP_IF_EQUAL, JUMP_IF_GREATER_EQUAL, JUMP_IF_SET, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
ALLOW, NOTIFY, ERRNO = 0x7FFF0000, 0x7FC00000, 0x00050000
NUMBER_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16
# The bit in the numbers of x32 calls.
X32 = 0x40000000


class BpfProgram(ctypes.Structure):
    """struct sock_fprog: the number of instructions and their address."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def program(code: bytes) -> tuple[BpfProgram, object]:
    """The filter for the kernel, and the memory that must outlive the call."""
    memory = ctypes.create_string_buffer(code, len(code))
    return BpfProgram(len(code) // 8, ctypes.addressof(memory)), memory


def load_call(audit: int) -> list[bytes]:
    """Loads the call's number; a call of another architecture fails, because its numbers differ."""
    return [
        step(LOAD, ARCHITECTURE_AT),
        step(JUMP_IF_EQUAL, audit, 1, 0),
        refuse(errno.ENOSYS),
        step(LOAD, NUMBER_AT),
        step(JUMP_IF_GREATER_EQUAL, X32, 0, 1),
        refuse(errno.ENOSYS),
    ]


def on_call(number: int, then: list[bytes]) -> list[bytes]:
    """Runs `then`, which must end by returning, if the loaded number is this one."""
    return [step(JUMP_IF_EQUAL, number, 0, len(then)), *then]


def refuse_calls(of: Architecture, names: Iterable[str], number: int) -> list[bytes]:
    """Fails these calls with that error."""
    return [i for name in names for i in on_call(of.calls[name], [refuse(number)])]


def if_argument(index: int, value: int, then: bytes, otherwise: bytes) -> list[bytes]:
    """One of two returns, by the low half of an argument, which is an int."""
    return [load_argument(index), step(JUMP_IF_EQUAL, value, 0, 1), then, otherwise]


def if_flag(index: int, flag: int, then: bytes, otherwise: bytes) -> list[bytes]:
    """One of two returns, by a flag in an argument."""
    return [load_argument(index), step(JUMP_IF_SET, flag, 0, 1), then, otherwise]


def load_argument(index: int) -> bytes:
    """Loads the low half of an argument."""
    return step(LOAD, ARGUMENTS_AT + 8 * index)


def allow() -> bytes:
    return step(RETURN, ALLOW)


def notify() -> bytes:
    """Leaves the call to the supervisor."""
    return step(RETURN, NOTIFY)


def refuse(number: int) -> bytes:
    """Fails with that error; 0 succeeds and does nothing."""
    return step(RETURN, ERRNO | number)


def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)
