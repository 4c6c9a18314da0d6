"""Verifies the sandbox: a confined process tries to escape, and only what it observes is reported.

Nothing is concluded from a kernel's or a platform's name: a mode that silently does nothing would be worse than none.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

from unmoor.runtime.subprocesses import run_command

from . import landlock
from .confine import prepare_sandbox

PROBE_S = 10
# Each attempt, and the errors by which the sandbox blocks it.
ATTEMPTS: Mapping[str, tuple[str, ...]] = {
    "connect": ("EACCES",),
    "datagram": ("EPERM",),
    "multipath": ("EPERM",),
    "fast_open": ("EPERM", "EACCES"),
    "environ": ("EACCES", "EPERM"),
    "signal": ("EPERM",),
    "file": ("EACCES",),
}

PROGRAM = """
import errno, json, os, socket, sys
port, parent, secret = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
def attempt(act):
    try:
        act()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    return "done"
def stream(protocol=0):
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
print(json.dumps({
    "connect": attempt(lambda: stream().connect(("127.0.0.1", port))),
    "datagram": attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    "multipath": attempt(lambda: stream(262)),
    "fast_open": attempt(lambda: stream().sendto(b"x", 0x20000000, ("127.0.0.1", port))),
    "environ": attempt(lambda: open(f"/proc/{parent}/environ", "rb").read()),
    "signal": attempt(lambda: os.kill(parent, 0)),
    "file": attempt(lambda: open(secret, "rb").read(1)),
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxReport:
    """What is in force, by topic, each `enforced by ...` or `advisory: REASON`."""

    network: str
    processes: str
    files: str

    def __str__(self) -> str:
        """One line: enforced only if every topic is."""
        weak = [text for text in (self.network, self.processes, self.files) if not text.startswith("enforced")]
        return weak[0] if weak else "enforced by landlock+seccomp"


async def probe_sandbox(rules: landlock.Rules, *, forbidden: str) -> SandboxReport:
    """What holds under these rules; `forbidden` is a readable file that they do not allow."""
    own = replace(rules, read=(*rules.read, sys.base_prefix, sys.prefix))
    with prepare_sandbox(own) as sandbox, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: a connection that gets through is refused
        port = str(closed.getsockname()[1])
        command = (sys.executable, "-I", "-S", "-c", PROGRAM, port, str(os.getpid()), forbidden)
        env = {"PATH": "/usr/bin:/bin", "UNMOOR_PROBE": "1"}
        try:
            result = await run_command(*command, env=env, timeout_s=PROBE_S, preexec_fn=sandbox.apply)
        except TimeoutError:
            return _advisory(f"the probe did not end within {PROBE_S} s")
    try:
        return interpret(json.loads(result.stdout), abi=landlock.version())
    except ValueError:
        lines = result.stderr.strip().splitlines()
        return _advisory(f"the probe did not run: {lines[-1][:200] if lines else 'it printed nothing'}")


def interpret(results: Mapping[str, str], *, abi: int) -> SandboxReport:
    """What the results mean; `abi` only words the reason if an attempt succeeded."""

    def topic(names: tuple[str, ...], by: str, since: int, what: str) -> str:
        escaped = [f"{name} ({results.get(name)})" for name in names if results.get(name) not in ATTEMPTS[name]]
        if not escaped:
            return f"enforced by {by}"
        if abi == 0:
            return "advisory: kernel has no Landlock"
        return f"advisory: kernel has no Landlock {what}" if abi < since else f"advisory: escaped: {', '.join(escaped)}"

    network = ("connect", "datagram", "multipath", "fast_open")
    return SandboxReport(
        network=topic(network, "landlock+seccomp", landlock.NET_SINCE, "network rules"),
        processes=topic(("environ", "signal"), "landlock", landlock.SCOPES_SINCE, "scopes"),
        files=topic(("file",), "landlock", 1, "file rules"),
    )


def _advisory(reason: str) -> SandboxReport:
    text = f"advisory: {reason}"
    return SandboxReport(network=text, processes=text, files=text)
