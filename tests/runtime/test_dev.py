"""`unmoor dev --once`, as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from forked import UNMOOR
from processes import ME
from runs import is_what_this_kernel_can, stored_text

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def dev(
    home: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    program: Sequence[str] = UNMOOR,
) -> Any:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), **(env or {})}
    return subprocess.run(
        [*program, "dev", *arguments],
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=home,
    )


def written(folder: Path, **parts: Any) -> Path:
    """A spec whose harness is a line of shell."""
    folder.mkdir(exist_ok=True)
    spec = {"version": 1, "name": "agent", "harness": {"name": "command", "command": ["sh", "-c", "cat"]}, **parts}
    (folder / "unmoor.yaml").write_text(json.dumps(spec))
    return folder


def test_the_smallest_example_runs_with_an_empty_home(home: Path) -> None:
    result = dev(home, str(ROOT / "examples" / "01-hello"), "--once", "Good morning")
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].startswith("run      command; ")
    assert is_what_this_kernel_can(lines[0].removeprefix("run      command; "))
    assert lines[1] == "says     Hello. You said: Good morning"
    assert lines[2] == "artifact out/hello.txt (29 bytes)"
    assert lines[-1] == "succeeded"


def test_events_are_json_lines_and_the_last_is_the_end(home: Path) -> None:
    result = dev(home, str(ROOT / "examples" / "01-hello"), "--once", "x", "--json")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [e["n"] for e in events] == list(range(1, len(events) + 1))
    assert (events[0]["type"], events[-1]["type"]) == ("run.started", "run.finished")
    assert events[-1]["status"] == "succeeded"
    assert events[-1]["artifacts"] == ["out/hello.txt"]


def test_a_run_that_fails_exits_with_one_and_its_status_last(home: Path) -> None:
    folder = written(home / "a", harness={"name": "command", "command": ["sh", "-c", "exit 7"]})
    result = dev(home, str(folder), "--once", "x")
    assert result.returncode == 1
    assert result.stdout.splitlines()[-2:] == ["reason   sh exited with code 7", "failed"]


def test_a_prompt_can_be_read_from_standard_input(home: Path) -> None:
    result = dev(home, str(written(home / "a")), "--once", "-", stdin="from a file\n")
    assert "says     from a file" in result.stdout


def test_a_session_goes_on_in_a_store_that_was_named(home: Path) -> None:
    folder = written(home / "a", harness={"name": "command", "command": ["sh", "-c", "cat notes; cat >> notes"]})
    url = (home / "elsewhere").as_uri()
    dev(home, str(folder), "--once", "one\n", "--session", "k", "--store", url)
    second = dev(home, str(folder), "--once", "two\n", "--session", "k", "--store", url)
    assert "says     one" in second.stdout
    assert (home / "elsewhere" / "sessions").is_dir()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nowhere", "--once", "x"], "nowhere: spec: the file does not exist; name a spec or run unmoor init"),
        (
            ["a", "--once", "x", "--store", "ftp://x"],
            "store: 'ftp://x' is not a store; write one of s3://, gs://, az://, file://, memory://",
        ),
        (["a", "--once", "x", "-e", "prod"], "environment prod is not declared"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_two(home: Path, arguments: list[str], text: str) -> None:
    written(home / "a")
    result = dev(home, *arguments)
    assert result.returncode == 2
    assert text in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_every_secret_that_is_not_here_is_named_with_what_to_do(home: Path) -> None:
    result = dev(home, str(ROOT / "examples" / "06-everything"), "--once", "x", env={"GITHUB_TOKEN": "t-o-k-e-n"})
    assert result.returncode == 2
    lines = [line.partition(": secrets.")[2] for line in result.stderr.splitlines()]
    assert lines == [
        "anthropic-key: env:ANTHROPIC_API_KEY has no value on this machine; set ANTHROPIC_API_KEY",
        "linear: existing has no value on this machine; set UNMOOR_SECRET_LINEAR",
    ]


def test_a_harness_that_is_not_installed_is_named_with_what_to_do(home: Path) -> None:
    folder = written(
        home / "a",
        harness={"name": "codex", "version": "0.0.1"},
        model={"provider": "openai", "name": "gpt-5.5", "api_key": "k"},
        secrets={"k": {"env": "K"}},
    )
    result = dev(home, str(folder), "--once", "x", env={"K": "a-key-of-mine", "PATH": "/usr/bin:/bin"})
    assert result.returncode == 2
    assert result.stderr == "harness codex 0.0.1 is not installed; unmoor dev --install installs it\n"


def test_an_agent_that_cannot_be_guarded_leaves_no_run_behind(home: Path) -> None:
    folder = written(
        home / "a",
        model={"provider": "openai", "name": "imaginary-9", "api_key": "k"},
        run={"max_cost_usd": 1},
        secrets={"k": {"env": "MY_KEY"}},
    )
    result = dev(home, str(folder), "--once", "x", env={"MY_KEY": "a-key-of-mine"})
    assert result.returncode == 2
    assert result.stderr == (
        "model: openai imaginary-9 has no known price, so run.max_cost_usd cannot be enforced; "
        "remove run.max_cost_usd, or choose a model with a known price\n"
    )
    assert not (home / ".local" / "share" / "unmoor" / "dev" / "agent" / "store" / "runs").exists()


def test_a_secret_reaches_neither_the_harness_environment_nor_the_store(home: Path) -> None:
    folder = written(
        home / "a",
        harness={"name": "command", "command": ["sh", "-c", "env; cat /proc/$PPID/environ"]},
        context={"repos": []},
        tools={},
        model={"provider": "openai", "name": "gpt-5.5", "api_key": "k"},
        secrets={"k": {"env": "MY_KEY"}},
    )
    result = dev(home, str(folder), "--once", "x", env={"MY_KEY": "a-key-of-mine"})
    assert "a-key-of-mine" not in result.stdout + result.stderr
    assert "MY_KEY" not in result.stdout
    assert "a-key-of-mine" not in stored_text(home / ".local")


def test_an_interrupt_cancels_the_run_and_leaves_nothing_running(home: Path) -> None:
    folder = written(home / "a", harness={"name": "command", "command": ["sh", "-c", f"echo up; sleep 3461.{ME}"]})
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    command = [*UNMOOR, "dev", str(folder), "--once", "x"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "up" not in process.stdout.readline():
            pass
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        said = process.stdout.read()
        assert process.wait(30) == 1
    assert said.splitlines()[-1] == "cancelled"
    assert time.monotonic() - began < 20
    assert subprocess.run(["pgrep", "-f", f"sleep 3461.{ME}"], check=False, capture_output=True).stdout == b""


def test_a_command_that_needs_the_runtime_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from unmoor.cli.inputs import requirements
    from unmoor.errors import UnmoorError

    monkeypatch.setattr(requirements, "RUNTIME", ("obstore", "no_such_library"))
    with pytest.raises(UnmoorError, match=r"^unmoor dev needs no_such_library; run pip install 'unmoor\[runtime\]'$"):
        requirements.require_runtime()
