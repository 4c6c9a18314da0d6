"""The numbers of the system calls that the filter checks, by architecture.

From asm/unistd_64.h of x86_64 and asm-generic/unistd.h of aarch64.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """An architecture's audit number, and the numbers of the checked calls by name."""

    audit: int
    calls: Mapping[str, int]


# The same on every architecture since 5.0.
COMMON = {
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "process_mrelease": 448,
}
# Each name's number on x86_64 and on aarch64.
NUMBERS = {
    "add_key": (248, 217),
    "bpf": (321, 280),
    "connect": (42, 203),
    "fcntl": (72, 25),
    "ioctl": (16, 29),
    "ioprio_set": (251, 30),
    "kcmp": (312, 272),
    "keyctl": (250, 219),
    "kill": (62, 129),
    "listen": (50, 201),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "mq_open": (240, 180),
    "msgget": (68, 186),
    "perf_event_open": (298, 241),
    "prctl": (157, 167),
    "prlimit64": (302, 261),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "request_key": (249, 218),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "seccomp": (317, 277),
    "semget": (64, 190),
    "sendmmsg": (307, 269),
    "sendmsg": (46, 211),
    "sendto": (44, 206),
    "setpriority": (141, 140),
    "setsockopt": (54, 208),
    "shmat": (30, 196),
    "shmget": (29, 194),
    "socket": (41, 198),
    "tgkill": (234, 131),
    "tkill": (200, 130),
    "userfaultfd": (323, 282),
}
MACHINES = {
    "x86_64": Architecture(audit=0xC000003E, calls={**COMMON, **{name: both[0] for name, both in NUMBERS.items()}}),
    "aarch64": Architecture(audit=0xC00000B7, calls={**COMMON, **{name: both[1] for name, both in NUMBERS.items()}}),
}


def current_architecture() -> Architecture | None:
    """This machine's architecture; None if there is no filter for it."""
    return MACHINES.get(platform.machine()) if sys.platform == "linux" else None
