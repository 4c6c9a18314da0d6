"""The commands against `unmoor dev`, with its own guard and runs that are processes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from forked import UNMOOR

from unmoor.operate.gateway_agent import GatewayAgent
from unmoor.operate.gateway_client import GatewayHttp
from unmoor.operate.self_test import SelfTest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "the-token-of-this-test"
PATIENCE_S = 60


@contextlib.contextmanager
def dev(home: Path, example: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of a gateway on this machine, and what a command is given to reach it."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "UNMOOR_TOKEN": TOKEN}
    command = [*UNMOOR, "dev", str(ROOT / "examples" / example), "--port", "0"]
    with (home / "dev.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=home, stdout=subprocess.PIPE, stderr=log)
        assert process.stdout is not None
        try:
            said = process.stdout.readline().decode()
            assert said.startswith("ready "), (home / "dev.log").read_text()
            yield said.split()[1], environment
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
            process.stdout.close()


def test_a_self_test_runs_to_its_end(tmp_path: Path) -> None:
    with dev(tmp_path, "01-hello") as (url, _):
        agent = GatewayAgent(http=GatewayHttp(url=url, token=TOKEN, token_from="the token"))
        test, until = SelfTest(agent=agent, token=TOKEN), time.monotonic() + PATIENCE_S
        while (found := test.poll()) is None:
            assert time.monotonic() < until, test.waits_for
            time.sleep(0.05)
        record = agent.run(test.run)
        agent.close()
    assert found.state == "fine", found
    assert (record["trigger"], record["usage"]["requests"]) == ({"name": "_self-test", "kind": "self-test"}, 0)
    assert record["answer"] == "A run was accepted, started, reached its guard and the store, and ended."


def test_a_run_is_triggered_and_followed(tmp_path: Path) -> None:
    with dev(tmp_path, "01-hello") as (url, environment):
        command = [*UNMOOR, "trigger", "Good morning", "--follow", "--url", url]
        done: Any = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    run, *lines = done.stdout.splitlines()
    assert run.startswith("run-")
    assert [line[10:] for line in lines[1:]] == ["says     Hello. You said: Good morning", "ends     succeeded"]
