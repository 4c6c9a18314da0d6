"""The seccomp filter: which system calls a harness may make, and which ones the supervisor decides.

It refuses connections that neither Landlock nor the supervisor sees: io_uring, which opens sockets of its own, TCP Fast
Open, which connects by sending, and every kind of socket but TCP, Unix and the routing table's netlink.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable
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
    step,
)
from .syscall_numbers import Architecture

MODE_FILTER, SET_MODE_FILTER = 2, 1
MSG_FASTOPEN = 0x20000000
TYPE_MASK = 0xF
NETLINK_ROUTE = 0
PR_SET_DUMPABLE = 4
# fcntl's and ioctl's commands that choose who receives a descriptor's signals.
F_SETOWN, F_SETOWN_EX = 8, 15
OWNER_IOCTLS = (0x8901, 0x8902)
# Options that send a connection elsewhere than its address says, by level: a source route, and an interface.
DETOURS = {0: (4,), socket.SOL_SOCKET: (socket.SO_BINDTODEVICE, 62)}
PROCESS, GROUP = {"setpriority": 0, "ioprio_set": 1}, {"setpriority": 1, "ioprio_set": 2}

FAST_OPEN_FLAGS = {"sendto": 3, "sendmsg": 2, "sendmmsg": 3}
IO_URING = ("io_uring_setup", "io_uring_enter", "io_uring_register")
SIGNALS = ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")
# Calls on the process in the first argument, where 0 is the caller.
OF_A_PROCESS = ("prlimit64", "sched_setparam", "sched_setscheduler", "sched_setaffinity", "sched_setattr")
PRIORITIES = ("setpriority", "ioprio_set")
# Landlock's first version limits these to processes of the same sandbox.
TRACING = ("ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "process_madvise")
PAGES = ("move_pages", "migrate_pages")
# Docker's default profile also refuses most of them with EPERM: https://docs.docker.com/engine/security/seccomp/
ALWAYS = ("add_key", "request_key", "keyctl", "bpf", "perf_event_open", "userfaultfd", "process_mrelease")
# Shared by all processes of a user.
IPC = ("shmget", "shmat", "semget", "msgget", "mq_open")


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
            *_sends(of),
            *_network(of, options),
            *_other_processes(of, options),
            *_refuse_calls(of, IO_URING, errno.ENOSYS),
            *_refuse_calls(of, ALWAYS, errno.EPERM),
            *_refuse_calls(of, () if options.local_sockets else IPC, errno.ENOSYS),
            allow(),
        ]
    )


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
        checks += _refuse_calls(of, TRACING, errno.EPERM)
        checks += [
            i for name in PAGES for i in on_call(of.calls[name], if_argument(0, 0, allow(), refuse(errno.EPERM)))
        ]
    return checks


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
    fcntl(F_SETOWN) names, and the other ways to name them are refused, because they pass a pointer."""
    no = refuse(errno.EPERM)
    return [
        *(i for name in SIGNALS for i in on_call(of.calls[name], [notify()])),
        *_refuse_calls(of, ("pidfd_send_signal",), errno.ENOSYS),
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
        *on_call(
            of.calls["ioctl"],
            [
                load_argument(1),
                step(JUMP_IF_EQUAL, OWNER_IOCTLS[0], 1, 0),
                step(JUMP_IF_EQUAL, OWNER_IOCTLS[1], 0, 1),
                no,
                allow(),
            ],
        ),
    ]


def _keep_dumpable() -> list[bytes]:
    """prctl(PR_SET_DUMPABLE, 0) succeeds and does nothing: the supervisor must read the addresses in the memory."""
    return [
        load_argument(0),
        step(JUMP_IF_EQUAL, PR_SET_DUMPABLE, 1, 0),
        allow(),
        *if_argument(1, 0, refuse(0), allow()),
    ]


def _refuse_calls(of: Architecture, names: Iterable[str], number: int) -> list[bytes]:
    return [i for name in names for i in on_call(of.calls[name], [refuse(number)])]
