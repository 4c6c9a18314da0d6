"""The sandbox around a harness: prepared in the runner, applied by the child between fork and exec."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from . import landlock
from .bpf import BpfProgram, program
from .libc import (
    LIBC,
    PR_CAP_AMBIENT,
    PR_CAP_AMBIENT_CLEAR_ALL,
    PR_CAPBSET_DROP,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    PR_SET_SECCOMP,
    SystemCallError,
    hide_memory,
)
from .notification import create_listener
from .seccomp import MODE_FILTER, FilterOptions, instructions
from .supervisor import send_listener, supervise
from .syscall_numbers import Architecture, current_architecture

CAPABILITY_VERSION_3 = 0x20080522
LAST_CAPABILITY = 63
# When memory runs out, the harness is killed first: the runner must survive to report it.
OOM_FIRST = b"1000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanisms:
    """What the sandbox may use: the version of Landlock, 0 for none, and supervision by seccomp notification."""

    landlock: int = field(default_factory=landlock.version)
    supervised: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedFilter:
    """A filter for the kernel, and the memory that must outlive the call."""

    program: BpfProgram
    memory: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervision:
    """The number of seccomp(), the filter with notifications, and the channel to the supervisor."""

    call: int
    filter: PreparedFilter
    channel: socket.socket


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedSandbox:
    """Everything that `apply` needs, so that the child allocates almost nothing; -1 and None: not supported here."""

    ruleset: int
    filter: PreparedFilter | None
    supervision: Supervision | None

    def apply(self) -> None:
        """Confines the calling process and everything that it starts; to be called in the child.

        Each part is applied if the kernel supports it; the probe verifies what holds.
        """
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _drop_capabilities()
        _must(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
        if self.ruleset >= 0:
            _must(LIBC.syscall(landlock.RESTRICT_SELF, self.ruleset, 0), "landlock_restrict_self")
        if not self._supervise() and self.filter is not None:
            code = ctypes.byref(self.filter.program)
            _must(LIBC.prctl(PR_SET_SECCOMP, MODE_FILTER, code, 0, 0), "seccomp")

    def _supervise(self) -> bool:
        """Whether the filter with notifications is in force."""
        if self.supervision is None:
            return False
        listener = create_listener(self.supervision.call, self.supervision.filter.program)
        send_listener(self.supervision.channel, listener)
        return listener >= 0


@contextmanager
def prepare_sandbox(rules: landlock.Rules, mechanisms: Mechanisms | None = None) -> Iterator[PreparedSandbox]:
    """The sandbox with these rules for one child, as far as this kernel supports it.

    The supervisor runs until the block ends, so the block must contain the child's whole life.
    """
    hide_memory()
    using = mechanisms or Mechanisms()
    of = current_architecture()
    with ExitStack() as stack:
        ruleset = landlock.ruleset(rules, using.landlock) if using.landlock else -1
        if ruleset >= 0:
            stack.callback(os.close, ruleset)
        supervision = _supervision(stack, of, rules, using.landlock) if of and using.supervised else None
        plain = _filter(of, rules, using.landlock, supervised=False) if of else None
        yield PreparedSandbox(ruleset=ruleset, filter=plain, supervision=supervision)


def prefer_as_oom_victim(process: int) -> None:
    """When memory runs out, the harness is killed first; to be called when the process has executed its program."""
    with contextlib.suppress(OSError), open(f"/proc/{process}/oom_score_adj", "wb", buffering=0) as file:
        file.write(OOM_FIRST)


def _supervision(stack: ExitStack, of: Architecture, rules: landlock.Rules, abi: int) -> Supervision:
    channel = stack.enter_context(supervise(of, rules))
    return Supervision(call=of.calls["seccomp"], filter=_filter(of, rules, abi, supervised=True), channel=channel)


def _filter(of: Architecture, rules: landlock.Rules, abi: int, *, supervised: bool) -> PreparedFilter:
    options = FilterOptions(local_sockets=rules.local_sockets, supervised=supervised, landlock=abi)
    code, memory = program(instructions(of, options))
    return PreparedFilter(program=code, memory=memory)


def _drop_capabilities() -> None:
    """Even root has none: with CAP_PERFMON it could read the runner's memory despite Landlock."""
    for capability in range(LAST_CAPABILITY + 1):
        LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)  # fails without the privilege to drop it
    LIBC.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    _must(LIBC.capset(header, none), "capset")


def _must(result: int, what: str) -> None:
    if result != 0:
        raise SystemCallError(ctypes.get_errno(), what)
