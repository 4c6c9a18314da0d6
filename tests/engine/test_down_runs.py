"""`unmoor down` ends the runs that its gateway has before anything of the agent goes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from forked import UNMOOR
from real_engine import Engine
from scripted_server import Said, answering

pytestmark = pytest.mark.slow

HELLO = str(Path(__file__).resolve().parents[2] / "examples" / "01-hello")
RUN = "run-ybqr5rxvt-5z939m3"
READY = Said(200, {"status": "ready", "bundle": "b"})
RUNS = Said(200, {"runs": [{"id": RUN, "status": "running"}], "next_cursor": None})


def unmoor(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*UNMOOR, *arguments], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)


def test_down_cancels_the_active_runs_and_says_how_many(own: Engine) -> None:
    cancelled = Said(200, {"id": RUN, "status": "cancelled"})
    with answering(READY, RUNS, READY, RUNS, cancelled) as gateway:
        port = gateway.url.rsplit(":", 1)[1]
        there = (HELLO, "-t", "vm-docker", "--set", f"targets.vm-docker.port={port}")
        assert unmoor("up", *there, "--yes", "--no-verify").returncode == 0
        asked = unmoor("down", *there)
        assert "and end 1 active run? cannot ask for confirmation" in asked.stderr
        assert "delete" not in {each.verb for each in own.cloud.journal}
        done = unmoor("down", *there, "--yes")
        assert (done.returncode, "cancelling 1 active run" in done.stderr) == (0, True)
        assert f"/runs/{RUN}/cancel" in [each.path for each in gateway.asked]
