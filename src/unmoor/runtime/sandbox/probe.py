"""Verifies the sandbox: a confined process tries to escape, and only what it observes is reported.

Nothing is concluded from a kernel's or a platform's name: a mode that silently does nothing would be worse than none.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from unmoor.runtime.subprocesses import run_command

from . import landlock
from .confine import Mechanisms, prepare_sandbox
from .probe_program import PROGRAM
from .report import SandboxReport, advisory_report, interpret, is_supervised
from .syscall_numbers import current_architecture

PROBE_S = 10
PROBED_CALLS = ("ioprio_set", "keyctl", "process_vm_readv", "ptrace", "shmget", "unshare")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listening:
    """Ports that nobody but the probe uses: one that the rules allow, and one that they do not."""

    allowed: int
    closed: int


async def probe_sandbox(
    rules: landlock.Rules, *, forbidden: Sequence[str], mechanisms: Mechanisms | None = None
) -> SandboxReport:
    """What holds under these rules, and by which mechanisms. `forbidden` are paths that they do not allow: the first is
    a file of this user, the others may not exist.

    Where the platform does not let the supervisor work, the run is not supervised.
    """
    using = mechanisms or Mechanisms()
    results = await _try_all(rules, forbidden, using)
    if using.supervised and isinstance(results, dict) and not is_supervised(results):
        using = replace(using, supervised=False)
        results = await _try_all(rules, forbidden, using)
    if isinstance(results, str):
        return advisory_report(results, using)
    return interpret(results, using)


async def _try_all(rules: landlock.Rules, forbidden: Sequence[str], using: Mechanisms) -> dict[str, str] | str:
    """The result of each attempt, or why there is none."""
    with _listen() as ports:
        own = replace(rules, read=(*rules.read, sys.base_prefix, sys.prefix), ports=(*rules.ports, ports.allowed))
        of = current_architecture()
        numbers = {name: of.calls[name] for name in PROBED_CALLS} if of else {}
        known = {"parent": os.getpid(), "forbidden": [*forbidden], "calls": numbers}
        known |= {"alone": rules.local_sockets}
        known |= {"allowed": ports.allowed, "closed": ports.closed}
        command = (sys.executable, "-I", "-S", "-c", PROGRAM, json.dumps(known))
        env = {"PATH": "/usr/bin:/bin", "UNMOOR_PROBE": "1"}
        with prepare_sandbox(own, using) as sandbox:
            try:
                result = await run_command(*command, env=env, timeout_s=PROBE_S, preexec_fn=sandbox.apply)
            except TimeoutError:
                return f"the probe did not end within {PROBE_S} s"
    try:
        return json.loads(result.stdout)
    except ValueError:
        lines = result.stderr.strip().splitlines()
        return f"the probe did not run: {lines[-1][:200] if lines else 'it printed nothing'}"


@contextmanager
def _listen() -> Iterator[_Listening]:
    with socket.socket() as allowed, socket.socket() as closed:
        allowed.bind(("127.0.0.1", 0))
        allowed.listen()
        closed.bind(("127.0.0.1", 0))  # bound and not listening: a connection that gets through is refused
        yield _Listening(allowed=allowed.getsockname()[1], closed=closed.getsockname()[1])
