"""The seccomp filter: which system calls a harness may make, and which ones the supervisor decides.

It refuses connections that neither Landlock nor the supervisor sees: io_uring, which opens sockets of its own, TCP Fast
Open, which connects by sending, and every kind of socket but TCP, Unix and the routing table's netlink.
"""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass

from . import landlock
from .bpf import (
    AND,
    JUMP_IF_EQUAL,
    allow,
    if_argument,
    if_flag,
    load_argument,
    load_call,
    notify,
    on_call,
    refuse,
    refuse_calls,
    step,
)
from .call_groups import (
    ALWAYS,
    IO_URING,
    IPC,
    OF_A_PROCESS,
    PAGES,
    PRIORITIES,
    SIGNALS,
    TRACING,
)
from .file_filter import file_calls
from .syscall_numbers import Architecture

MODE_FILTER, SET_MODE_FILTER, NEW_LISTENER = 2, 1, 1 << 3
MSG_FASTOPEN = 0x20000000
TYPE_MASK = 0xF
NETLINK_ROUTE = 0
PR_SET_DUMPABLE = 4
# fcntl's and ioctl's commands that choose who receives a descriptor's signals.
F_SETOWN, F_SETOWN_EX = 8, 15
OWNER_IOCTLS = (0x8901, 0x8902)
# Options that send a connection elsewhere than its address says, by level: a source route, and an interface.
DETOURS = {0: (4,), socket.SOL_SOCKET: (socket.SO_BINDTODEVICE, 62)}
FAST_OPEN_FLAGS = {"sendto": 3, "sendmsg": 2, "sendmmsg": 3}
# ioctl's commands that set a file's flags, such as append-only.
FLAG_IOCTLS = (0x40086602, 0x401C5820)
# Every namespace: in one of its users, a process could reach parts of the kernel that are for privileged ones.
NAMESPACES = 0x7E020080
PROCESS, GROUP = {"setpriority": 0, "ioprio_set": 1}, {"setpriority": 1, "ioprio_set": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterOptions:
    """Whether Unix sockets may be created, whether a supervisor answers, and the version of Landlock in force."""

    local_sockets: bool
    supervised: bool
    landlock: int


def instructions(of: Architecture, options: FilterOptions) -> bytes:
    """The filter as BPF. Without `local_sockets` no Unix socket can be created, because Landlock cannot limit which of
    them are connected to; socket pairs, as between a program and its child, still can."""
    return b"".join(
        [
            *load_call(of.audit),
            *_listeners(of),
            *_sends(of),
            *_network(of, options),
            *_other_processes(of, options),
            *_namespaces(of),
            *file_calls(of, supervised=options.supervised, abi=options.landlock),
            *_ioctls(of, options),
            *refuse_calls(of, IO_URING, errno.ENOSYS),
            *refuse_calls(of, (*ALWAYS, "setns", "fanotify_init"), errno.EPERM),
            *refuse_calls(of, () if options.local_sockets else IPC, errno.ENOSYS),
            allow(),
        ]
    )


def _listeners(of: Architecture) -> list[bytes]:
    """A harness's own filter asks no supervisor of its own: of two filters that ask, the kernel heeds the newer one,
    once the older one's listener is closed. The error is the kernel's own while it is open."""
    own = if_flag(1, NEW_LISTENER, refuse(errno.EBUSY), allow())
    return on_call(of.calls["seccomp"], [load_argument(0), step(JUMP_IF_EQUAL, SET_MODE_FILTER, 1, 0), allow(), *own])


def _sends(of: Architecture) -> list[bytes]:
    return [
        instruction
        for name, index in FAST_OPEN_FLAGS.items()
        for instruction in on_call(of.calls[name], if_flag(index, MSG_FASTOPEN, refuse(errno.EPERM), allow()))
    ]


def _network(of: Architecture, options: FilterOptions) -> list[bytes]:
    """Nobody may connect to a harness: listening is refused, on Unix sockets only where those are refused too."""
    local, supervised = options.local_sockets, options.supervised
    listening = (notify() if supervised else allow()) if local else refuse(errno.EACCES)
    return [
        *on_call(of.calls["socket"], _sockets(options)),
        *on_call(of.calls["listen"], [listening]),
        *on_call(of.calls["socketpair"], _pairs(options)),
        *on_call(of.calls["setsockopt"], _detours()),
        *on_call(of.calls["connect"], [notify() if supervised else allow()]),
    ]


def _sockets(options: FilterOptions) -> list[bytes]:
    """TCP over IPv4 and IPv6, Unix sockets if requested, and the routing table's netlink.

    It checks the protocol too: rules on TCP do not apply to multipath TCP, which is also a stream.
    """
    no = refuse(errno.EPERM)
    yes = notify() if options.supervised else allow()
    internet = [
        load_argument(1),
        step(AND, TYPE_MASK),
        step(JUMP_IF_EQUAL, socket.SOCK_STREAM, 1, 0),
        no,
        load_argument(2),
        step(JUMP_IF_EQUAL, 0, 2, 0),
        step(JUMP_IF_EQUAL, socket.IPPROTO_TCP, 1, 0),
        no,
        yes,
    ]
    netlink = if_argument(2, NETLINK_ROUTE, allow(), no)
    return [
        load_argument(0),
        step(JUMP_IF_EQUAL, socket.AF_UNIX, 0, 1),
        yes if options.local_sockets else no,
        step(JUMP_IF_EQUAL, socket.AF_NETLINK, 0, len(netlink)),
        *netlink,
        step(JUMP_IF_EQUAL, socket.AF_INET, 2, 0),
        step(JUMP_IF_EQUAL, socket.AF_INET6, 1, 0),
        no,
        *internet,
    ]


def _pairs(options: FilterOptions) -> list[bytes]:
    """A pair of datagram sockets could send to any path, so only where Unix sockets are allowed. Linux makes datagram
    sockets of SOCK_RAW too, so the kinds that pass are named: https://man7.org/linux/man-pages/man7/unix.7.html"""
    no = refuse(errno.EPERM)
    kinds = (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, *((socket.SOCK_DGRAM,) if options.local_sockets else ()))
    of_kinds = [i for kind in kinds for i in (step(JUMP_IF_EQUAL, kind, 0, 1), allow())]
    family = [load_argument(0), step(JUMP_IF_EQUAL, socket.AF_UNIX, 1, 0), no]
    return [*family, load_argument(1), step(AND, TYPE_MASK), *of_kinds, no]


def _detours() -> list[bytes]:
    checks: list[bytes] = []
    for level, options in DETOURS.items():
        of_level = [i for option in options for i in (step(JUMP_IF_EQUAL, option, 0, 1), refuse(errno.EPERM))]
        of_level = [load_argument(2), *of_level, allow()]
        checks += [load_argument(1), step(JUMP_IF_EQUAL, level, 0, len(of_level)), *of_level]
    return [*checks, allow()]


def _other_processes(of: Architecture, options: FilterOptions) -> list[bytes]:
    """Signals, limits and priorities of other processes, and their memory, as far as Landlock does not protect them."""
    decided = notify() if options.supervised else refuse(errno.EPERM)
    checks = [i for name in OF_A_PROCESS for i in on_call(of.calls[name], if_argument(0, 0, allow(), decided))]
    checks += [i for name in PRIORITIES for i in on_call(of.calls[name], _priority(name, decided))]
    if options.landlock < landlock.SCOPES_SINCE and options.supervised:
        checks += _signals(of)
    if options.supervised:
        checks += on_call(of.calls["prctl"], _keep_dumpable())
    if options.landlock < landlock.PTRACE_SINCE:
        checks += refuse_calls(of, TRACING, errno.EPERM)
        checks += [
            i for name in PAGES for i in on_call(of.calls[name], if_argument(0, 0, allow(), refuse(errno.EPERM)))
        ]
    return checks


def _namespaces(of: Architecture) -> list[bytes]:
    """clone3() passes its flags by a pointer; programs fall back to clone() where the kernel does not have it."""
    # The low byte of clone()'s flags is a signal.
    flags = NAMESPACES & ~0xFF
    return [
        *on_call(of.calls["clone"], if_flag(0, flags, refuse(errno.EPERM), allow())),
        *on_call(of.calls["unshare"], if_flag(0, NAMESPACES, refuse(errno.EPERM), allow())),
        *refuse_calls(of, ("clone3",), errno.ENOSYS),
    ]


def _priority(name: str, decided: bytes) -> list[bytes]:
    """A process or a group of 0 is the caller's; its group holds only processes of the harness's own session."""
    return [
        load_argument(1),
        step(JUMP_IF_EQUAL, 0, 1, 0),
        decided,
        load_argument(0),
        step(JUMP_IF_EQUAL, PROCESS[name], 2, 0),
        step(JUMP_IF_EQUAL, GROUP[name], 1, 0),
        decided,
        allow(),
    ]


def _signals(of: Architecture) -> list[bytes]:
    """A pidfd's signal fails as on a kernel without it, so that programs use kill(); a descriptor's signals go to whom
    fcntl(F_SETOWN) names, and F_SETOWN_EX is refused, because it passes a pointer."""
    no = refuse(errno.EPERM)
    return [
        *(i for name in SIGNALS for i in on_call(of.calls[name], [notify()])),
        *refuse_calls(of, ("pidfd_send_signal",), errno.ENOSYS),
        *on_call(
            of.calls["fcntl"],
            [
                load_argument(1),
                step(JUMP_IF_EQUAL, F_SETOWN, 0, 1),
                notify(),
                step(JUMP_IF_EQUAL, F_SETOWN_EX, 0, 1),
                no,
                allow(),
            ],
        ),
    ]


def _ioctls(of: Architecture, options: FilterOptions) -> list[bytes]:
    """A file's flags, and on kernels whose Landlock has no scopes, who receives a descriptor's signals."""
    owners = OWNER_IOCTLS if options.landlock < landlock.SCOPES_SINCE and options.supervised else ()
    refused = [
        *(i for number in FLAG_IOCTLS for i in (step(JUMP_IF_EQUAL, number, 0, 1), refuse(errno.EOPNOTSUPP))),
        *(i for number in owners for i in (step(JUMP_IF_EQUAL, number, 0, 1), refuse(errno.EPERM))),
    ]
    return on_call(of.calls["ioctl"], [load_argument(1), *refused, allow()])


def _keep_dumpable() -> list[bytes]:
    """prctl(PR_SET_DUMPABLE, 0) succeeds and does nothing: the supervisor must read the addresses in the memory."""
    return [
        load_argument(0),
        step(JUMP_IF_EQUAL, PR_SET_DUMPABLE, 1, 0),
        allow(),
        *if_argument(1, 0, refuse(0), allow()),
    ]
