"""Servers that tests start on loopback, and stop by their pid."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What `make` installs beside the checkout's own files, by npm.
TOOLS = ROOT / ".cache" / "npm"
START_S = 60
# Tells what this process's tests start from what others on the machine do: `sleep` takes it for a fraction of a second.
ME = f"{os.getpid():07}"


def free_port() -> int:
    """A port of loopback that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def npm_program(package: str, program: str) -> str:
    """The path of an npm package's program; skips the test, saying so, where npm has not installed it."""
    path = TOOLS / "node_modules" / ".bin" / program
    if not path.exists() or shutil.which("node") is None:
        pytest.skip(f"{package} is not installed: make sets it up where npm is there")
    return str(path)


@contextlib.contextmanager
def server(argv: Sequence[str], port: int, *, env: Mapping[str, str] | None = None, log: Path) -> Iterator[None]:
    """A server that has begun to listen on the port; its whole process group ends with the block."""
    environment = {**os.environ, **(env or {})}
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, start_new_session=True
        )
        try:
            _wait_for(port, process, log)
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    pytest.fail(f"nothing listens on {port} after {START_S} s: {log.read_text(errors='replace')[-500:]}")
