"""A look at what of the fence holds: a confined process tries to get out, and only what it saw is recorded.

A mode that silently did nothing is worse than none, so nothing is concluded from a kernel's or a platform's name.
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
# What each attempt is, and the errors by which the fence answers it.
TRIES: Mapping[str, tuple[str, ...]] = {
    "connect": ("EACCES",),
    "datagram": ("EPERM",),
    "multipath": ("EPERM",),
    "fast_open": ("EPERM", "EACCES"),
    "environ": ("EACCES", "EPERM"),
    "signal": ("EPERM",),
    "file": ("EACCES",),
}
NETWORK = ("connect", "datagram", "multipath", "fast_open")
PROCESSES = ("environ", "signal")
FILES = ("file",)

PROGRAM = """
import errno, json, os, socket, sys
port, parent, secret = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
def tried(act):
    try:
        act()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    return "done"
def stream(protocol=0):
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
print(json.dumps({
    "connect": tried(lambda: stream().connect(("127.0.0.1", port))),
    "datagram": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    "multipath": tried(lambda: stream(262)),
    "fast_open": tried(lambda: stream().sendto(b"x", 0x20000000, ("127.0.0.1", port))),
    "environ": tried(lambda: open(f"/proc/{parent}/environ", "rb").read()),
    "signal": tried(lambda: os.kill(parent, 0)),
    "file": tried(lambda: open(secret, "rb").read(1)),
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxReport:
    """What is in force, by topic, each `enforced by ...` or `advisory: why`."""

    network: str
    processes: str
    files: str

    def __str__(self) -> str:
        """In one line: enforced only where all of it is."""
        weak = [text for text in (self.network, self.processes, self.files) if not text.startswith("enforced")]
        return weak[0] if weak else "enforced by landlock+seccomp"


async def probe_sandbox(rules: landlock.Rules, *, forbidden: str) -> SandboxReport:
    """What holds under these rules; `forbidden` is a readable file that they do not allow."""
    own = replace(rules, read=(*rules.read, sys.base_prefix, sys.prefix))
    with prepare_sandbox(own) as fence, _closed_port() as port:
        command = (sys.executable, "-I", "-S", "-c", PROGRAM, str(port), str(os.getpid()), forbidden)
        try:
            said = await run_command(
                *command, env={"PATH": "/usr/bin:/bin", "UNMOOR_PROBE": "1"}, timeout_s=PROBE_S, preexec_fn=fence.apply
            )
        except TimeoutError:
            return _nothing(f"the probe did not end within {PROBE_S} s")
    try:
        return interpret(json.loads(said.stdout), abi=landlock.version())
    except ValueError:
        lines = said.stderr.strip().splitlines()
        return _nothing(f"the probe did not run: {lines[-1][:200] if lines else 'it said nothing'}")


def interpret(seen: Mapping[str, str], *, abi: int) -> SandboxReport:
    """What the answers mean; `abi` only words the reason where something got through."""
    return SandboxReport(
        network=_topic(seen, NETWORK, by="landlock+seccomp", why=_why_network(abi)),
        processes=_topic(seen, PROCESSES, by="landlock", why=_why(abi, landlock.SCOPES_SINCE, "scopes")),
        files=_topic(seen, FILES, by="landlock", why=_why(abi, 1, "file rules")),
    )


def _topic(seen: Mapping[str, str], tries: tuple[str, ...], *, by: str, why: str) -> str:
    through = [name for name in tries if seen.get(name) not in TRIES[name]]
    if not through:
        return f"enforced by {by}"
    return f"advisory: {why or 'got through: ' + ', '.join(f'{n} ({seen.get(n)})' for n in through)}"


def _why_network(abi: int) -> str:
    return _why(abi, landlock.NET_SINCE, "network rules")


def _why(abi: int, since: int, what: str) -> str:
    if abi == 0:
        return "kernel has no Landlock"
    return f"kernel has no Landlock {what}" if abi < since else ""


def _nothing(why: str) -> SandboxReport:
    return SandboxReport(network=f"advisory: {why}", processes=f"advisory: {why}", files=f"advisory: {why}")


class _closed_port:
    """A port of loopback that is bound and not listened on: to reach it is to be refused by the other side."""

    def __enter__(self) -> int:
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        return int(self.socket.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self.socket.close()
