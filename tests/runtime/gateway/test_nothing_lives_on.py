"""A run that outlives its killed gateway ends with the test that made it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from processes import ME
from test_serve import dev

pytestmark = pytest.mark.process

folders: list[Path] = []


def test_a_run_goes_on_when_its_gateway_is_killed(tmp_path: Path) -> None:
    folders.append(tmp_path)
    with dev(tmp_path, script=f"sleep 3523.{ME}") as serving:
        run = serving.start("x")
        serving.until(run, "running")
    assert _living("unmoor.runtime run " + run)


def test_and_is_gone_afterwards() -> None:
    assert not folders or not _living(f"sleep 3523.{ME}")


def _living(words: str) -> bytes:
    return subprocess.run(["pgrep", "-f", words], check=False, capture_output=True).stdout
