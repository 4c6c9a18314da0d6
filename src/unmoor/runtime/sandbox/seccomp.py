"""seccomp: only TCP and Unix sockets, so that no UDP, DNS or raw packet is sent.

https://docs.kernel.org/userspace-api/seccomp_filter.html. The program checks the architecture first, because a 32-bit
call has other numbers. It also refuses connections that Landlock's rule on connect() does not see: io_uring, which
opens sockets of its own, and TCP Fast Open, which connects by sending.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import socket
import struct
from dataclasses import dataclass

# linux/bpf_common.h and linux/seccomp.h
LOAD, JUMP_IF_EQUAL, JUMP_IF_GREATER_EQUAL, JUMP_IF_SET, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
NUMBER_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16
MODE_FILTER = 2
# The bit in the numbers of x32 calls.
X32 = 0x40000000
MSG_FASTOPEN = 0x20000000
TYPE_MASK = 0xF
NETLINK_ROUTE = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """An architecture's audit number, and the numbers of the checked calls."""

    audit: int
    socket: int
    sendto: int
    sendmsg: int
    sendmmsg: int


# asm/unistd_64.h and asm-generic/unistd.h
MACHINES = {
    "x86_64": Architecture(audit=0xC000003E, socket=41, sendto=44, sendmsg=46, sendmmsg=307),
    "aarch64": Architecture(audit=0xC00000B7, socket=198, sendto=206, sendmsg=211, sendmmsg=269),
}
IO_URING = (425, 426, 427)


class BpfProgram(ctypes.Structure):
    """struct sock_fprog: the number of instructions and their address."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def current_architecture() -> Architecture | None:
    """This machine's architecture; None if there is no filter for it."""
    return MACHINES.get(platform.machine())


def instructions(of: Architecture, *, local_sockets: bool) -> bytes:
    """The filter as BPF. Without `local_sockets` no Unix socket can be created either, because Landlock cannot limit
    which of them are connected to; socket pairs, as between a program and its child, still can."""
    checks = [
        *_on_flag(of.sendto, argument=3, flag=MSG_FASTOPEN),
        *_on_flag(of.sendmsg, argument=2, flag=MSG_FASTOPEN),
        *_on_flag(of.sendmmsg, argument=3, flag=MSG_FASTOPEN),
        *(step for number in IO_URING for step in _on_call(number, [_refuse(errno.ENOSYS)])),
        *_on_call(of.socket, _sockets(local_sockets)),
        _step(RETURN, ALLOW),
    ]
    guard = [
        _step(LOAD, ARCHITECTURE_AT),
        _step(JUMP_IF_EQUAL, of.audit, 1, 0),
        _refuse(errno.ENOSYS),
        _step(LOAD, NUMBER_AT),
        _step(JUMP_IF_GREATER_EQUAL, X32, 0, 1),
        _refuse(errno.ENOSYS),
    ]
    return b"".join([*guard, *checks])


def program(code: bytes) -> tuple[BpfProgram, object]:
    """The filter for the kernel, and the memory that must outlive the call."""
    memory = ctypes.create_string_buffer(code, len(code))
    return BpfProgram(len(code) // 8, ctypes.addressof(memory)), memory


def _sockets(local_sockets: bool) -> list[bytes]:
    """Allows TCP over IPv4 and IPv6, Unix sockets if requested, and the routing table's netlink.

    It checks the protocol too: rules on TCP do not apply to multipath TCP, which is also a stream.
    """
    refuse = _refuse(errno.EPERM)
    allow = _step(RETURN, ALLOW)
    internet = [
        _argument(1),
        _step(AND, TYPE_MASK),
        _step(JUMP_IF_EQUAL, socket.SOCK_STREAM, 1, 0),
        refuse,
        _argument(2),
        _step(JUMP_IF_EQUAL, 0, 2, 0),
        _step(JUMP_IF_EQUAL, socket.IPPROTO_TCP, 1, 0),
        refuse,
        allow,
    ]
    netlink = [_argument(2), _step(JUMP_IF_EQUAL, NETLINK_ROUTE, 1, 0), refuse, allow]
    return [
        _argument(0),
        _step(JUMP_IF_EQUAL, socket.AF_UNIX, 0, 1),
        allow if local_sockets else refuse,
        _step(JUMP_IF_EQUAL, socket.AF_NETLINK, 0, len(netlink)),
        *netlink,
        _step(JUMP_IF_EQUAL, socket.AF_INET, 2, 0),
        _step(JUMP_IF_EQUAL, socket.AF_INET6, 1, 0),
        refuse,
        *internet,
    ]


def _on_call(number: int, then: list[bytes]) -> list[bytes]:
    """Runs `then`, which must end by returning, if the call has that number."""
    return [_step(LOAD, NUMBER_AT), _step(JUMP_IF_EQUAL, number, 0, len(then)), *then]


def _on_flag(number: int, *, argument: int, flag: int) -> list[bytes]:
    """Refuses the call of that number if the flag is set in the argument."""
    return _on_call(
        number,
        [_argument(argument), _step(JUMP_IF_SET, flag, 0, 1), _refuse(errno.EPERM), _step(RETURN, ALLOW)],
    )


def _argument(index: int) -> bytes:
    """Loads the low half of an argument, which is an int."""
    return _step(LOAD, ARGUMENTS_AT + 8 * index)


def _refuse(number: int) -> bytes:
    return _step(RETURN, ERRNO | number)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)
