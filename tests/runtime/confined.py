"""Programs that a test runs inside the sandbox, as on kernels of other versions."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from unmoor.runtime.harness.protocol import Command
from unmoor.runtime.run.harness_process import run_confined
from unmoor.runtime.run.stop import Stop
from unmoor.runtime.sandbox.confine import Mechanisms
from unmoor.runtime.sandbox.landlock import Rules

# What Landlock's versions brought: nothing, files, rename, truncate, TCP, scopes.
ABIS = (0, 1, 2, 4, 6)
READ = ("/usr", "/lib", "/lib64", "/etc", "/proc", sys.base_prefix)
SYSTEM = Path("/usr")
PROLOGUE = """
import ctypes, errno, os, resource, signal, socket, struct, subprocess, sys, threading, time
LIBC = ctypes.CDLL(None, use_errno=True)
def tried(act):
    try:
        return act()
    except OSError as error:
        return errno.errorcode.get(error.errno, error.errno)
def call(number, *arguments):
    result = LIBC.syscall(number, *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
    return errno.errorcode[ctypes.get_errno()] if result < 0 else result
"""


@dataclass
class Servers:
    """The ports of loopback servers, and the name of the server of each connection that was accepted."""

    allowed: int
    forbidden: int
    accepted: list[str] = field(default_factory=list)


@contextmanager
def servers() -> Iterator[Servers]:
    """The allowed port at 127.0.0.1, the same port at 127.0.0.2, and another port; each counts whom it accepts."""
    with socket.socket() as allowed, socket.socket() as elsewhere, socket.socket() as forbidden:
        allowed.bind(("127.0.0.1", 0))
        elsewhere.bind(("127.0.0.2", allowed.getsockname()[1]))
        forbidden.bind(("127.0.0.1", 0))
        found = Servers(allowed.getsockname()[1], forbidden.getsockname()[1])
        for listening, name in ((allowed, "allowed"), (elsewhere, "elsewhere"), (forbidden, "forbidden")):
            listening.listen(128)
            threading.Thread(target=_accept, args=(listening, name, found.accepted), daemon=True).start()
        yield found
        for listening in (allowed, elsewhere, forbidden):
            listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, name: str, accepted: list[str]) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        accepted.append(name)
        connection.sendall(name.encode())
        connection.close()


def confined(
    code: str,
    *,
    abi: int,
    port: int,
    work: Path = SYSTEM,
    local_sockets: bool = False,
    readable: Sequence[Path] = (),
    python: str = sys.executable,
) -> str:
    """The output of Python code inside the sandbox."""
    lines: list[str] = []

    async def run() -> None:
        write = ("/dev/null",) if work == SYSTEM else ("/dev/null", str(work))
        rules = Rules(read=(*READ, *map(str, readable)), write=write, ports=(port,), local_sockets=local_sockets)
        result = await run_confined(
            Command(argv=(python, "-I", "-S", "-c", PROLOGUE + code), environment={}, stdin=b""),
            rules=rules,
            path="/usr/bin:/bin",
            work=str(work),
            timeout_s=60,
            stop=Stop(),
            on_line=lambda line: lines.append(line.text),
            mechanisms=Mechanisms(landlock=abi, supervised=True),
        )
        assert result.exit.code == 0, result.exit
        assert result.left == 0

    asyncio.run(run())
    return "\n".join(lines)
