"""The gateway's tests import what they share by this folder's path, and leave no process behind."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def nothing_lives_on(request: pytest.FixtureRequest) -> Iterator[None]:
    """Runs outlive a gateway that a test kills: what has the test's folder in its environment ends with the test."""
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else None
    yield
    for pid in _processes_of(folder) if folder else ():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _processes_of(folder: Path) -> list[int]:
    found: list[int] = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            environment = Path("/proc", name, "environ").read_bytes()
            if f"{folder}/".encode() in environment.replace(b"\0", b"/\0") and int(name) != os.getpid():
                found.append(int(name))
    return found
