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


# The same on every architecture: those that were added since 5.0.
COMMON = {
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "openat2": 437,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "clone3": 435,
    "process_mrelease": 448,
    "fchmodat2": 452,
    "setxattrat": 463,
    "removexattrat": 466,
    "file_setattr": 469,
}
# The calls that only x86_64 has.
OLDER = {
    "chmod": 90,
    "chown": 92,
    "futimesat": 261,
    "inotify_init": 253,
    "lchown": 94,
    "open": 2,
    "utime": 132,
    "utimes": 235,
}
# Each name's number on x86_64 and on aarch64.
NUMBERS = {
    "add_key": (248, 217),
    "bpf": (321, 280),
    "clone": (56, 220),
    "connect": (42, 203),
    "fanotify_init": (300, 262),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "fcntl": (72, 25),
    "fremovexattr": (199, 16),
    "fsetxattr": (190, 7),
    "inotify_add_watch": (254, 27),
    "inotify_init1": (294, 26),
    "ioctl": (16, 29),
    "ioprio_set": (251, 30),
    "kcmp": (312, 272),
    "keyctl": (250, 219),
    "kill": (62, 129),
    "listen": (50, 201),
    "lremovexattr": (198, 15),
    "lsetxattr": (189, 6),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "mq_open": (240, 180),
    "msgget": (68, 186),
    "openat": (257, 56),
    "perf_event_open": (298, 241),
    "prctl": (157, 167),
    "prlimit64": (302, 261),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "removexattr": (197, 14),
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
    "setns": (308, 268),
    "setpriority": (141, 140),
    "setsockopt": (54, 208),
    "setxattr": (188, 5),
    "shmat": (30, 196),
    "shmget": (29, 194),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "tgkill": (234, 131),
    "tkill": (200, 130),
    "truncate": (76, 45),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "utimensat": (280, 88),
}
MACHINES = {
    "x86_64": Architecture(
        audit=0xC000003E, calls={**COMMON, **OLDER, **{name: both[0] for name, both in NUMBERS.items()}}
    ),
    "aarch64": Architecture(audit=0xC00000B7, calls={**COMMON, **{name: both[1] for name, both in NUMBERS.items()}}),
}


def current_architecture() -> Architecture | None:
    """This machine's architecture; None if there is no filter for it."""
    return MACHINES.get(platform.machine()) if sys.platform == "linux" else None
