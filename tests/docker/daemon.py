"""A Docker engine of the tests' own, where the machine has none that runs and one can be started."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import docker

# What is made once for this machine, such as the base of the tests' images, stays here.
FOLDER = Path(os.environ.get("UNMOOR_TEST_FOLDER", "/var/tmp"))
WITHIN_S = 60


@contextlib.contextmanager
def running() -> Iterator[None]:
    """Starts dockerd at the usual socket, and ends it by its pid; skips where that cannot be done."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("no Docker engine answers on this machine; as root one is started where dockerd is installed")
    folder = FOLDER / "unmoor-docker"
    folder.mkdir(exist_ok=True)
    command = ["dockerd", "--data-root", str(folder / "data"), "--pidfile", str(folder / "pid")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        _answers(process, folder / "log")
        yield
    finally:
        process.terminate()
        process.wait(60)


def _answers(process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + WITHIN_S
    while docker("info", check=False).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.skip(f"dockerd does not start on this machine: {log.read_text()[-500:]}")
        time.sleep(0.2)
