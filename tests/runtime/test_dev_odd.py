"""`unmoor dev` in the hands of somebody who tries it: whatever is given, no traceback, and the run has its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from test_dev import UNMOOR, dev, written
from test_lifecycle import living

from unmoor.cli.commands.dev import print_summary
from unmoor.runtime.state.run_record import Artifact, RunRecord

__all__ = ["home"]

from processes import ME
from test_dev import home

pytestmark = pytest.mark.process


def command(script: str, **parts: Any) -> dict[str, Any]:
    return {"harness": {"name": "command", "command": ["sh", "-c", script]}, **parts}


def statuses(home: Path) -> list[str]:
    records = (home / ".local").rglob("run.json")
    return sorted(json.loads(p.read_text())["status"] for p in records)


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["--once", ""], "", "the prompt is empty; write a task"),
        (["--once", " \n"], "", "the prompt is empty; write a task"),
        (["--once", "-"], "", "the prompt is empty; write a task"),
        (["--once", "x", "--store", "file:///a#b"], "", "store: 'file:///a#b': write ? as %3F and # as %23"),
        (["--once", "x", "--store", "file://[x"], "", "store: 'file://[x' is not a store; write one of s3://"),
        (["--once", "x", "--store", "file:///proc/none"], "", "No such file or directory"),
    ],
)
def test_a_mistake_is_said_in_a_line(home: Path, arguments: list[str], stdin: str, said: str) -> None:
    result = dev(home, str(written(home / "a")), *arguments, stdin=stdin)
    assert result.returncode in (1, 2)
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert statuses(home) == []


def test_a_prompt_of_a_megabyte_arrives_whole(home: Path) -> None:
    folder = written(home / "a", **command("wc -c"))
    result = dev(home, str(folder), "--once", "-", stdin="x" * 1_000_000)
    assert "says     1000000" in result.stdout


def test_bytes_that_are_no_text_become_text(home: Path) -> None:
    folder = written(home / "a")
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    argv = [*UNMOOR, "dev", str(folder), "--once", b"caf\xe9", "--session", b"k\xff"]
    result = subprocess.run(argv, env=environment, capture_output=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, b"")
    assert "says     caf\ufffd".encode() in result.stdout
    piped = [*UNMOOR, "dev", str(folder), "--once", "-"]
    result = subprocess.run(piped, env=environment, input=b"caf\xe9", capture_output=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, b"")


def test_an_output_of_plain_ascii_is_no_fault(home: Path) -> None:
    folder = written(home / "a", **command("echo ünï → ok"))
    plain = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    program = [sys.executable, "-c", "from unmoor.cli import main; main()"]  # a fork's streams do not follow these
    result = dev(home, str(folder), "--once", "x", env=plain, program=program)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1] == "succeeded"


def test_an_output_that_is_read_no_more_cancels_the_run(home: Path) -> None:
    folder = written(home / "a", **command("while :; do echo line; sleep 0.1; done"))
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    argv = [*UNMOOR, "dev", str(folder), "--once", "x"]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(30) == 1
        assert process.stderr.read() == ""
    assert statuses(home) == ["cancelled"]


@pytest.mark.parametrize("times", [2, 3])
def test_a_second_interrupt_ends_a_harness_that_will_not_and_a_third_ends_everything(home: Path, times: int) -> None:
    folder = written(home / "a", **command(f"trap '' TERM INT; echo up; while :; do sleep 3481.{ME}; done"))
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    argv = [*UNMOOR, "dev", str(folder), "--once", "x", "--session", "k"]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while "up" not in process.stdout.readline():
            pass
        began = time.monotonic()
        for _ in range(times):
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        code = process.wait(30)
        assert process.stderr.read() == ""
    # The last of them may come when Python has given its own back already.
    assert code in (1, 130, -signal.SIGINT)
    assert time.monotonic() - began < 4
    assert not living(f"sleep 3481.{ME}")
    if times == 2:
        assert statuses(home) == ["cancelled"]


def test_two_runs_of_an_agent_at_once_do_not_meet(home: Path) -> None:
    folder = written(home / "a", **command("cat > mine; sleep 0.5; cat mine"))
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    argv = [*UNMOOR, "dev", str(folder), "--once"]
    both = [
        subprocess.Popen([*argv, name], env=environment, stdout=subprocess.PIPE, text=True) for name in ("one", "two")
    ]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert "says     one" in said[0]
    assert "says     two" in said[1]
    assert statuses(home) == ["succeeded", "succeeded"]


def test_two_runs_of_a_session_at_once_take_turns(home: Path) -> None:
    folder = written(
        home / "a", **command("test -e busy && exit 9; touch busy; cat >> n; sleep 0.5; rm busy; wc -l < n")
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    argv = [*UNMOOR, "dev", str(folder), "--session", "k", "--once", "x\n"]
    both = [subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(process.communicate(timeout=60)[0].split("says     ")[1][0] for process in both)
    assert said == ["1", "2"]


def test_sessions_of_one_key_in_two_stores_at_once_are_two(home: Path) -> None:
    folder = written(home / "a", **command("cat >> n; sleep 0.7; cat n"))
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    argv = [*UNMOOR, "dev", str(folder), "--session", "k"]
    both = [
        subprocess.Popen(
            [*argv, "--store", store, "--once", f"{i}\n"], env=environment, stdout=subprocess.PIPE, text=True
        )
        for i, store in enumerate(["memory://", "memory://", (home / "s").as_uri()])
    ]
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [f"says     {i}" in text for i, text in enumerate(said)] == [True, True, True]
    assert [text.count("says") for text in said] == [1, 1, 1]


def test_a_home_that_cannot_be_written_is_named(home: Path) -> None:
    result = dev(home, str(written(home / "a")), "--once", "x", env={"XDG_DATA_HOME": "/proc/none"})
    assert result.returncode == 1
    assert "/proc/none" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_no_home_at_all_is_no_fault(home: Path) -> None:
    folder = written(home / "a")
    environment = {"PATH": os.environ["PATH"], "UNMOOR_DATA": str(home / "data")}
    argv = [*UNMOOR, "dev", str(folder), "--once", "x"]
    result = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_a_path_with_places_that_are_not_there_is_no_fault(home: Path) -> None:
    path = f"/nowhere:relative::{os.environ['PATH']}:/root/none"
    assert dev(home, str(written(home / "a")), "--once", "x", env={"PATH": path}).returncode == 0


@pytest.mark.parametrize("isolation", ["container", "process"])
def test_an_agent_of_either_isolation_runs_here(home: Path, isolation: str) -> None:
    folder = written(home / "a", run={"isolation": isolation})
    assert dev(home, str(folder), "--once", "x").stdout.splitlines()[-1] == "succeeded"


def test_arguments_of_the_harness_arrive_as_they_are(home: Path) -> None:
    harness = {"name": "command", "command": ["printf", "%s|"], "args": ["a b", "$HOME", "-x", "ü"]}
    result = dev(home, str(written(home / "a", harness=harness)), "--once", "x")
    assert "says     a b|$HOME|-x|ü|" in result.stdout


def test_a_secret_from_a_file_is_read_and_one_that_is_no_text_is_named(home: Path) -> None:
    folder = written(
        home / "a",
        harness={"name": "command", "command": ["cat"]},
        model={"provider": "openai", "name": "gpt-5.5", "api_key": "k"},
        secrets={"k": {"file": "./key"}},
    )
    (folder / "key").write_text("the-secret-of-a-file\n")
    result = dev(home, str(folder), "--once", "say the-secret-of-a-file")
    assert "says     say [secret:k]" in result.stdout
    (folder / "key").write_bytes(b"\xff\xfe")
    result = dev(home, str(folder), "--once", "x")
    assert result.returncode == 2
    assert result.stderr == f"secrets.k: {folder / 'key'} is not UTF-8; a secret must be text\n"


def test_an_agent_that_cannot_be_guarded_leaves_no_run_behind(home: Path) -> None:
    folder = written(
        home / "a",
        model={"provider": "openai", "name": "no-such-model-that-has-a-price", "api_key": "k"},
        secrets={"k": {"env": "K"}},
        run={"max_cost_usd": 1},
    )
    result = dev(home, str(folder), "--once", "x", env={"K": "a-key-of-mine"})
    assert result.returncode == 2, result.stdout
    assert "Traceback" not in result.stderr
    assert statuses(home) == []


def test_the_name_of_a_file_forges_no_line_of_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    artifact = Artifact(path="out/z\nsucceeded\x1b[31m", size_bytes=1, sha256="0" * 64)
    record = SimpleNamespace(artifacts=(artifact,), cost_usd=None, id="r", reason="a\nsucceeded", status="failed")
    print_summary(cast(RunRecord, record), "memory://")
    artifact_line, store, reason, status = capsys.readouterr().out.splitlines()
    assert artifact_line == "artifact out/z�succeeded�[31m (1 bytes)"
    assert (store, reason, status) == ("store    memory:// runs/r", "reason   a�succeeded", "failed")
