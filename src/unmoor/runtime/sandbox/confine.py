"""The sandbox around a harness: prepared in the runner, applied by the child between fork and exec."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from . import landlock, seccomp
from .libc import (
    LIBC,
    PR_CAP_AMBIENT,
    PR_CAP_AMBIENT_CLEAR_ALL,
    PR_CAPBSET_DROP,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    PR_SET_SECCOMP,
    SystemCallError,
)

CAPABILITY_VERSION_3 = 0x20080522
LAST_CAPABILITY = 63
# When memory runs out, the harness is killed first: the runner must survive to report it.
OOM_FIRST = b"1000"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedSandbox:
    """Everything that `apply` needs, so that the child allocates almost nothing; -1 and None: not supported here."""

    ruleset: int
    filter: seccomp.BpfProgram | None
    memory: object

    def apply(self) -> None:
        """Confines the calling process and everything that it starts; to be called in the child.

        Each part is applied if the kernel supports it; the probe verifies what holds.
        """
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        _be_killed_first()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _drop_capabilities()
        _must(LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
        if self.ruleset >= 0:
            _must(LIBC.syscall(landlock.RESTRICT_SELF, self.ruleset, 0), "landlock_restrict_self")
        if self.filter is not None:
            _must(LIBC.prctl(PR_SET_SECCOMP, seccomp.MODE_FILTER, ctypes.byref(self.filter), 0, 0), "seccomp")


@contextmanager
def prepare_sandbox(rules: landlock.Rules) -> Iterator[PreparedSandbox]:
    """The sandbox with these rules, as far as this kernel supports it; the ruleset is closed at the block's end."""
    abi = landlock.version()
    ruleset = landlock.ruleset(rules, abi) if abi else -1
    try:
        of = seccomp.current_architecture()
        filter_, memory = (
            seccomp.program(seccomp.instructions(of, local_sockets=rules.local_sockets)) if of else (None, None)
        )
        yield PreparedSandbox(ruleset=ruleset, filter=filter_, memory=memory)
    finally:
        if ruleset >= 0:
            os.close(ruleset)


def _be_killed_first() -> None:
    try:
        handle = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    except OSError:
        return  # no procfs
    try:
        os.write(handle, OOM_FIRST)
    finally:
        os.close(handle)


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
