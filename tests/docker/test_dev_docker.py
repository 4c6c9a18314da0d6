"""`unmoor dev --docker`, as a user runs it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command import docker

ROOT = Path(__file__).resolve().parents[2]
UNMOOR = [sys.executable, "-c", "from unmoor.cli import main; main()"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def spec(home: Path, script: str, **parts: Any) -> Path:
    folder = home / "agent"
    folder.mkdir()
    harness = {"name": "command", "command": ["sh", "-c", script]}
    (folder / "unmoor.yaml").write_text(json.dumps({"version": 1, "name": "tests", "harness": harness, **parts}))
    return folder


def unmoor(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    return subprocess.run(
        [*UNMOOR, *arguments], env=environment, capture_output=True, text=True, timeout=300, check=False, cwd=home
    )


def once(home: Path, base: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    built = unmoor(home, "build", str(folder), "--base", base)
    assert built.returncode == 0, built.stderr
    return unmoor(home, "dev", str(folder), "--docker", "--once", "hello", *more)


def test_an_agent_runs_in_containers_and_nothing_of_them_stays(home: Path, base: str) -> None:
    result = once(home, base, spec(home, "mkdir out; tee out/said; id -u", run={"artifacts": ["out/**"]}))
    assert result.returncode == 0, result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "run      command; enforced by landlock+seccomp"
    assert "artifact out/said (5 bytes)" in lines
    assert lines[-1] == "succeeded"
    assert docker("ps", "--all", "--quiet", "--filter", "name=unmoor-dev-tests").stdout == ""
    assert "unmoor-dev-tests" not in docker("network", "ls").stdout


def test_a_harness_that_eats_all_memory_is_ended_and_the_runner_says_so(home: Path, base: str) -> None:
    eat = "python3 -c 'a = []\nwhile True: a.append(bytearray(8 << 20))'; echo survived"
    result = once(home, base, spec(home, f"exec {eat}", resources={"memory": "256Mi"}))
    assert result.returncode == 1
    assert result.stdout.splitlines()[-2:] == [
        "reason   sh was terminated by signal 9; something killed it, perhaps because memory ran out",
        "failed",
    ]


def test_the_network_of_a_run_leads_nowhere(home: Path, base: str) -> None:
    script = "cat /proc/net/route | wc -l; getent hosts example.com || echo unknown"
    result = once(home, base, spec(home, script))
    assert "says     unknown" in result.stdout


def test_an_interrupt_cancels_the_run_in_its_container(home: Path, base: str) -> None:
    folder = spec(home, "echo up; sleep 3471")
    assert unmoor(home, "build", str(folder), "--base", base).returncode == 0
    command = [*UNMOOR, "dev", str(folder), "--docker", "--once", "x"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "up" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        said = process.stdout.read()
        assert process.wait(60) == 1
    assert said.splitlines()[-1] == "cancelled"
    assert docker("ps", "--all", "--quiet", "--filter", "name=unmoor-dev-tests").stdout == ""


def test_an_image_that_is_not_there_is_one_line(home: Path, base: str) -> None:
    folder = spec(home, "true", image="registry.example.com/none:1")
    result = unmoor(home, "dev", str(folder), "--docker", "--once", "x")
    assert result.returncode == 1
    assert result.stderr.startswith("docker run: ")
    assert len(result.stderr.splitlines()) == 1


@contextlib.contextmanager
def served(home: Path, folder: Path) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """`unmoor dev --docker` that serves, and what asks it."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "UNMOOR_TOKEN": "t"}
    command = [*UNMOOR, "dev", str(folder), "--docker", "--port", "0"]
    with (
        (home / "told").open("w") as told,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=told, text=True) as process,
    ):
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready.startswith("ready http://127.0.0.1:"), (home / "told").read_text()
        url = ready.split()[1]

        def ask(path: str, body: Any = None) -> Any:
            data = None if body is None else json.dumps(body).encode()
            request = urllib.request.Request(url + path, data=data, headers={"Authorization": "Bearer t"})
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.loads(answer.read())

        try:
            yield process, ask
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0, (home / "told").read_text()


def ended(ask: Any, run: str, home: Path) -> dict[str, Any]:
    return reached(ask, run, home, "succeeded", "failed", "cancelled", "lost", "timed_out")


def reached(ask: Any, run: str, home: Path, *statuses: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (shown := ask(f"/runs/{run}"))["status"] not in statuses:
        assert time.monotonic() < deadline, (shown, (home / "told").read_text())
        time.sleep(0.05)
    return shown


def test_a_gateway_starts_each_run_in_a_container_of_its_own(home: Path, base: str) -> None:
    folder = spec(home, "mkdir out; hostname > out/host; tee out/said; id -u", run={"artifacts": ["out/**"]})
    assert unmoor(home, "build", str(folder), "--base", base).returncode == 0
    with served(home, folder) as (_, ask):
        runs = [ask("/runs", {"prompt": f"hello {n}"})["id"] for n in range(3)]
        shown = [ended(ask, run, home) for run in runs]
        assert [(s["status"], s["reason"]) for s in shown] == [("succeeded", "")] * 3
        assert [s["confinement"] for s in shown] == ["enforced by landlock+seccomp"] * 3
        hosts = {ask_text(home, run, "out/host") for run in runs}
        assert len(hosts) == 3
    assert docker("ps", "--all", "--quiet", "--filter", "name=unmoor-dev-tests").stdout == ""
    assert "unmoor-dev-tests" not in docker("network", "ls").stdout


def ask_text(home: Path, run: str, path: str) -> str:
    [file] = home.rglob(f"{run}/artifacts/{path}")
    return file.read_text()


def test_a_run_in_a_container_is_cancelled_and_one_that_goes_on_ends_with_the_gateway(home: Path, base: str) -> None:
    folder = spec(home, "echo up; sleep 3472", run={"max_concurrent": 1})
    assert unmoor(home, "build", str(folder), "--base", base).returncode == 0
    with served(home, folder) as (_, ask):
        first, second, third = [ask("/runs", {"prompt": "x"})["id"] for _ in range(3)]
        reached(ask, first, home, "running")
        assert ask(f"/runs/{second}/cancel", {})["status"] == "cancelled"
        ask(f"/runs/{first}/cancel", {})
        assert ended(ask, first, home)["status"] == "cancelled"
        reached(ask, third, home, "running")
    record = json.loads(next(home.rglob(f"{third}/run.json")).read_text())
    assert (record["status"], record["reason"]) == ("lost", "the container was told to stop")
    assert docker("ps", "--all", "--quiet", "--filter", "name=unmoor-dev-tests").stdout == ""
