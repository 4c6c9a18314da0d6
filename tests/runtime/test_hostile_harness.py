"""Harnesses that do their worst to the runner: each comes to one honest end, in time, and nothing of it is left."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from runs import Bench, Ran, command_spec, shell
from test_lifecycle import assert_one_end, living, ran

pytestmark = pytest.mark.process

PYTHON = "python3"


def python(root: Path, program: str, **parts: object) -> Ran:
    return Bench(root, command_spec(PYTHON, "-c", program, **parts)).run()


def test_one_that_writes_byte_by_byte_and_never_ends_its_line_is_timed_out(tmp_path: Path) -> None:
    run = python(tmp_path, "import os\nwhile 1: os.write(1, b'x')", run={"timeout": "2s"})
    assert_one_end(run, "timed_out")


def test_one_that_floods_its_errors_keeps_their_end(tmp_path: Path) -> None:
    run = ran(tmp_path, "head -c 200000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo the end >&2; exit 3")
    assert_one_end(run, "failed")
    assert run.record.reason == "sh exited with code 3: the end"


def test_one_that_removes_its_work_folder_still_has_its_end(tmp_path: Path) -> None:
    agent = Bench(tmp_path, shell('rm -rf "$PWD" "$HOME"; echo gone', run={"artifacts": ["**"]}))
    run = agent.run(session="k")
    assert_one_end(run, "succeeded")
    assert run.record.artifacts == ()
    agent.spec = shell("echo back")
    assert agent.run(session="k").record.answer == "back"


def test_one_that_stops_itself_is_timed_out(tmp_path: Path) -> None:
    began = time.monotonic()
    assert_one_end(ran(tmp_path, "kill -STOP $$", run={"timeout": "1s"}), "timed_out")
    assert time.monotonic() - began < 10


def test_one_that_forks_as_fast_as_it_can_is_ended_to_the_last_process(tmp_path: Path) -> None:
    program = (
        "import os, time\n"
        "born = 0\n"
        "while born < 400:\n"
        "    born += 1\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork() == 0: time.sleep(3491)\n"
        "        os._exit(0)\n"
        "time.sleep(3491)  # 3491-of-the-forks\n"
    )
    run = python(tmp_path, program, run={"timeout": "3s"})
    assert_one_end(run, "timed_out")
    assert not living("3491-of-the-forks")


def test_one_whose_child_is_always_a_new_process_is_ended(tmp_path: Path) -> None:
    program = (
        "import os, time\n"
        "for link in range(300):\n"
        "    if os.fork(): os._exit(0)\n"
        "    os.setsid()\n"
        "time.sleep(3492)  # 3492-of-the-chain\n"
    )
    began = time.monotonic()
    run = python(tmp_path, program)
    assert_one_end(run, "succeeded")
    assert time.monotonic() - began < 15
    assert not living("3492-of-the-chain")


def test_one_that_cannot_be_looked_into_is_ended_like_any_other(tmp_path: Path) -> None:
    program = "import ctypes, time; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); time.sleep(3493)"
    assert_one_end(python(tmp_path, program, run={"timeout": "1s"}), "timed_out")
    assert not living("time.sleep(3493)")


def test_one_that_answers_its_end_with_a_flood_is_killed(tmp_path: Path) -> None:
    run = ran(tmp_path, "trap 'while :; do echo no; done' TERM; while :; do sleep 0.1; done", run={"timeout": "1s"})
    assert_one_end(run, "timed_out")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB; skips where none can be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    argv = [mount or "mount", "-t", "tmpfs", "-o", "size=2m", "none", str(place)]
    if mount is None or subprocess.run(argv, check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_under_the_workspace_is_failed_and_said(small_disk: Path, tmp_path: Path) -> None:
    from unmoor.runtime.store import open_store

    agent = Bench(
        small_disk,
        shell("head -c 5000000 /dev/urandom > big; echo filled"),
        store=open_store((tmp_path / "s").as_uri()),
    )
    run = agent.run(session="k")
    assert_one_end(run, "failed")
    assert run.record.reason == "this machine: No space left on device"
    assert run.record.answer == "filled"
    assert list((small_disk / "work").iterdir()) == []


def test_a_full_disk_under_the_store_ends_the_run_or_says_so_in_one_line(small_disk: Path, tmp_path: Path) -> None:
    from unmoor.runtime.errors import TransientError
    from unmoor.runtime.store import open_store

    agent = Bench(
        tmp_path / "b",
        shell("head -c 5000000 /dev/urandom > big", run={"artifacts": ["big"]}),
        store=open_store(small_disk.as_uri()),
    )
    run = agent.run()
    assert_one_end(run, "failed")
    assert run.record.reason.endswith("/artifacts/big: No space left on device")
    agent.spec = shell("yes 0123456789 | head -n 100000")
    with pytest.raises(TransientError, match=r"No space left on device$"):
        agent.run()
