"""`unmoor dev` and `unmoor-agent serve` as processes, with runs that are processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from forked import AGENT, UNMOOR
from processes import ME, free_port
from runs import PROGRAMS, shell, stored_text

from unmoor.plan.bundle import pack
from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.gateway.main import read_options
from unmoor.runtime.harness.installed import harness_installation_variable
from unmoor.runtime.state import keys
from unmoor.runtime.store import open_store
from unmoor.spec.context_files import SpecFiles
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec

pytestmark = pytest.mark.process

DEV = [*UNMOOR, "dev"]
TOKEN = "a-token-for-these-tests"


@dataclass
class Serving:
    """A gateway in a process of its own."""

    process: subprocess.Popen[str]
    url: str
    told: Path

    def ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def start(self, prompt: str, **more: str) -> str:
        return self.ask("/runs", {"prompt": prompt, **more})["id"]

    def until(self, run: str, *statuses: str) -> dict[str, Any]:
        deadline = time.monotonic() + 20
        while (shown := self.ask(f"/runs/{run}"))["status"] not in statuses:
            assert time.monotonic() < deadline, (shown, self.told.read_text())
            time.sleep(0.02)
        return shown

    def until_told(self, run: str, message: str) -> None:
        """Waits for a line of the log: the record is final a moment before the gateway sees the process end."""
        deadline = time.monotonic() + 20
        while not any(run in line and f'"{message}"' in line for line in self.told.read_text().splitlines()):
            assert time.monotonic() < deadline, self.told.read_text()
            time.sleep(0.02)

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(10)


@contextlib.contextmanager
def process(argv: Sequence[str], env: dict[str, str], told: Path, ready: Any) -> Iterator[Serving]:
    with told.open("a") as errors:
        running = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        yield Serving(process=running, url=ready(running), told=told)
    finally:
        running.kill()
        running.wait()
        assert running.stdout is not None
        running.stdout.close()


def dev(folder: Path, *arguments: str, token: str = TOKEN, **parts: Any) -> Any:
    """`unmoor dev` of an agent whose harness is a line of shell."""
    agent = folder / "agent"
    agent.mkdir(parents=True, exist_ok=True)
    script = parts.pop("script", "cat")
    spec = shell(script, **parts)
    (agent / "unmoor.yaml").write_text(json.dumps(spec))
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), **({"UNMOOR_TOKEN": token} if token else {})}
    argv = [*DEV, str(agent), "--port", "0", *arguments]
    return process(argv, env, folder / "told", _line)


def _line(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    line = running.stdout.readline()
    assert line.startswith("ready http://127.0.0.1:"), line
    return line.removeprefix("ready ").strip()


def test_an_agent_is_served_and_a_run_goes_from_the_request_to_its_artifact(tmp_path: Path) -> None:
    with dev(tmp_path, script="mkdir out; tee out/a", run={"artifacts": ["out/**"]}) as serving:
        run = serving.start("hello there")
        shown = serving.until(run, "succeeded", "failed")
        assert (shown["status"], shown["answer"], shown["attempt"]) == ("succeeded", "hello there", 1)
        events = serving.ask(f"/runs/{run}/events?after=0")
        assert [e["type"] for e in events["events"]] == ["run.started", "message", "run.finished"]
        request = urllib.request.Request(
            f"{serving.url}/runs/{run}/artifacts/out/a", headers={"Authorization": f"Bearer {TOKEN}"}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.read() == b"hello there"
        serving.until_told(run, "run ended")
        assert serving.stop() == 0
        assert serving.process.stdout is not None
        assert serving.process.stdout.read() == ""
    lines = [json.loads(line) for line in (tmp_path / "told").read_text().splitlines()]
    assert {line["message"] for line in lines if line.get("run") == run} >= {
        "run accepted",
        "run started",
        "run.started",
        "run.finished",
        "run ended",
    }
    assert TOKEN not in (tmp_path / "told").read_text() + stored_text(tmp_path / ".local")


def test_a_token_that_was_made_is_said_once_on_standard_error(tmp_path: Path) -> None:
    with dev(tmp_path, token="") as serving:
        said = [line for line in (tmp_path / "told").read_text().splitlines() if line.startswith("token ")]
        assert len(said) == 1
        token = said[0].split()[1]
        assert f"page {serving.url}/#token={token}" in (tmp_path / "told").read_text().splitlines()
        request = urllib.request.Request(f"{serving.url}/runs", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert json.loads(answer.read())["runs"] == []
        with pytest.raises(urllib.error.HTTPError, match="401"):
            serving.ask("/runs")


def test_each_trigger_is_named_with_where_it_is_sent_to_when_it_fires_or_which_mailbox_is_read(tmp_path: Path) -> None:
    mail = {
        "imap": "127.0.0.1:1",
        "user": "u",
        "password": "mail",
        "allow_from": ["a@example.com"],
        "authserv_id": "mx",
    }
    github = {"verify": {"scheme": "github", "secret": "hook"}}
    triggers = [
        {"name": "nightly", "schedule": {"cron": "0 3 * * *", "timezone": "Europe/Paris"}, "prompt": "p"},
        {"name": "open", "webhook": {"verify": "none"}, "prompt": "p"},
        {"name": "github", "webhook": github, "prompt": "p"},
        {"name": "inbox", "email": mail, "prompt": "p"},
    ]
    (tmp_path / "agent").mkdir(parents=True)
    (tmp_path / "agent" / "hook").write_text("a secret")
    (tmp_path / "agent" / "mail").write_text("a password")
    secrets = {"hook": {"file": "hook"}, "mail": {"file": "mail"}}
    with dev(tmp_path, triggers=triggers, secrets=secrets) as serving:
        told = (tmp_path / "told").read_text().splitlines()
    assert [line for line in told if not line.startswith("{")] == [
        f"webhook open: POST {serving.url}/hooks/open, unauthenticated",
        f"webhook github: POST {serving.url}/hooks/github, signed with github and the secret hook",
        "schedule nightly: 0 3 * * * in Europe/Paris",
        "mailbox inbox: u at 127.0.0.1:1",
    ]


def test_a_webhook_s_secret_that_is_not_here_is_said_before_anything_starts(tmp_path: Path) -> None:
    hook = {"name": "hook", "webhook": {"verify": {"scheme": "github", "secret": "key"}}, "prompt": "p"}
    agent = tmp_path / "agent"
    agent.mkdir()
    (agent / "unmoor.yaml").write_text(json.dumps(shell("cat", triggers=[hook], secrets={"key": {"config": "k"}})))
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    ran = subprocess.run([*DEV, str(agent)], env=env, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 2
    assert "secrets.key: config:k has no value on this machine; set UNMOOR_SECRET_KEY" in ran.stderr


def test_a_gateway_killed_in_the_middle_has_lost_nothing_and_run_nothing_twice(tmp_path: Path) -> None:
    parts = {"script": "cat; sleep 0.4", "run": {"max_concurrent": 1}}
    with dev(tmp_path, **parts) as serving:
        runs = [serving.start(f"run {n}") for n in range(3)]
        serving.until(runs[0], "running")
        serving.process.kill()
        serving.process.wait()
    with dev(tmp_path, **parts) as serving:
        for number, run in enumerate(runs):
            shown = serving.until(run, "succeeded", "failed", "lost")
            assert (shown["status"], shown["answer"], shown["attempt"]) == ("succeeded", f"run {number}", 1)
        times = [serving.ask(f"/runs/{run}") for run in runs]
        assert all(a["ended_at"] <= b["started_at"] for a, b in itertools.pairwise(times))


def test_a_run_is_cancelled_while_it_runs(tmp_path: Path) -> None:
    with dev(tmp_path, script=f"echo up; sleep 3517.{ME}") as serving:
        run = serving.start("x")
        while "up" not in json.dumps(serving.ask(f"/runs/{run}/events?after=0&wait=5")):
            pass  # a run is `running` before its harness is
        assert serving.ask(f"/runs/{run}/cancel", {})["status"] in ("running", "queued")
        assert serving.until(run, "cancelled")["reason"] == "cancelled"
    assert subprocess.run(["pgrep", "-f", f"sleep 3517.{ME}"], check=False, capture_output=True).stdout == b""


def test_an_interrupt_stops_runs_in_order_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with dev(tmp_path, script=f"echo up; sleep 3519.{ME}") as serving:
        run = serving.start("x")
        while "up" not in json.dumps(serving.ask(f"/runs/{run}/events?after=0&wait=5")):
            pass
        began = time.monotonic()
        assert serving.stop() == 0
        assert time.monotonic() - began < 8
    assert subprocess.run(["pgrep", "-f", f"sleep 3519.{ME}"], check=False, capture_output=True).stdout == b""
    record = json.loads(next((tmp_path / ".local").rglob(f"{run}/run.json")).read_text())
    assert (record["status"], record["reason"]) == ("lost", "the container was told to stop")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--session", "k"], "needs --once PROMPT"),
        (["--token", "t"], "can read the command line; set the variable UNMOOR_TOKEN instead"),
        (["--token", "t", "--once", "x"], "can read the command line; set the variable UNMOOR_TOKEN instead"),
        (["--json"], "needs --once PROMPT"),
        (["--once", "x", "--port", "1"], "a single run does not listen; pass --once or --port, not both"),
        (["--store", "memory://"], "cannot reach memory://; write file:///FOLDER"),
    ],
)
def test_options_that_would_be_ignored_are_refused(tmp_path: Path, arguments: list[str], says: str) -> None:
    (tmp_path / "unmoor.yaml").write_text(json.dumps(shell("cat")))
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "COLUMNS": "200"}
    ran = subprocess.run(
        [*DEV, str(tmp_path), *arguments], env=env, capture_output=True, text=True, timeout=30, check=False
    )
    assert ran.returncode != 0
    assert says in ran.stderr
    assert ran.stdout == ""


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with dev(tmp_path) as serving:
        port = serving.url.rsplit(":", 1)[1]
        argv = [*DEV, str(tmp_path / "agent"), "--port", port]
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        ran = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert (ran.returncode, ran.stderr) == (2, f"127.0.0.1:{port}: Address already in use; choose another port\n")


SPEC = {
    "run": {"isolation": "process"},
    "gateway": {"token": "api-token"},
    "tools": {"mcp_servers": {"s": {"url": "https://mcp.example.com/", "headers": {"A": "${secret:held}"}}}},
    "network": {"egress": ["mcp.example.com"]},
    "triggers": [
        {"name": "nightly", "schedule": {"cron": "0 3 * * *"}, "prompt": "p"},
        {"name": "hook", "webhook": {"verify": {"scheme": "bearer", "secret": "hook-secret"}}, "prompt": "{{ event }}"},
        {
            "name": "inbox",
            "email": {"imap": "127.0.0.1:1", "user": "u", "password": "mail", "allow_from": ["a@example.com"]},
            "prompt": "p",
        },
    ],
    "secrets": {
        "hook-secret": {"env": "HOOK"},
        "mail": {"env": "MAIL"},
        "held": {"env": "HELD"},
        "api-token": {"env": "API_TOKEN"},
    },
}


SHOWN = {"Authorization": "Bearer what-the-hook-shows", "Content-Type": "text/plain"}


def agent_in(folder: Path, **parts: Any) -> str:
    """An agent's bundle in the folder's store; its digest."""
    folder.mkdir(exist_ok=True)
    plan = make_plan(
        Spec.model_validate(shell("cat", **parts)), "tests", SpecFiles(folder=str(folder), instructions="", files=())
    )
    archive = pack(plan)
    digest = hashlib.sha256(archive).hexdigest()
    asyncio.run(open_store((folder / "store").as_uri()).put_if_absent(keys.bundle_key(digest), archive))
    return digest


def environment(folder: Path, digest: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "UNMOOR_STORE": (folder / "store").as_uri(),
        "UNMOOR_BUNDLE": digest,
        "UNMOOR_GUARD_URL": f"http://127.0.0.1:{free_port()}",
        "UNMOOR_GATEWAY_BIND": "127.0.0.1",
        "UNMOOR_LAUNCHER": "process",
        "UNMOOR_SCHEDULER": "gateway",
        "UNMOOR_WORK": str(folder / "work"),
        "UNMOOR_SECRET_API_TOKEN": TOKEN,
        "UNMOOR_SECRET_HELD": "held-by-runs-alone",
        "UNMOOR_SECRET_HOOK_SECRET": "what-the-hook-shows",
        "UNMOOR_SECRET_MAIL": "what-opens-the-mailbox",
        "PORT": str(free_port()),
        **harness_installation_variable(PROGRAMS),
    }


@contextlib.contextmanager
def container(folder: Path, env: dict[str, str]) -> Iterator[Serving]:
    """`unmoor-agent serve` that is ready."""
    url = f"http://127.0.0.1:{env['PORT']}"

    def ready(running: subprocess.Popen[str]) -> str:
        while running.poll() is None:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=5):
                return url
            time.sleep(0.05)
        raise AssertionError((folder / "told").read_text())

    with process([*AGENT, "serve"], env, folder / "told", ready) as serving:
        yield serving


def test_a_container_sweeps_what_is_older_than_its_target_says(tmp_path: Path) -> None:
    env = {**environment(tmp_path, agent_in(tmp_path, **SPEC)), "UNMOOR_SWEEP_AFTER_DAYS": "2"}
    old, young = (tmp_path / "store" / "runs" / f"run-{name}" / "events" / "00000001.ndjson" for name in ("old", "new"))
    for path, days in ((old, 3), (young, 1)):
        path.parent.mkdir(parents=True)
        path.write_text("{}")
        os.utime(path, (time.time() - days * 86400,) * 2)
    with container(tmp_path, env):
        deadline = time.monotonic() + 20
        while old.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert young.exists()


def test_a_container_serves_its_agent_and_ends_on_sigterm(tmp_path: Path) -> None:
    env = environment(tmp_path, agent_in(tmp_path, **SPEC))
    url = f"http://127.0.0.1:{env['PORT']}"

    with container(tmp_path, env) as serving:
        run = serving.start("in a container")
        assert serving.until(run, "succeeded", "failed", "lost")["answer"] == "in a container"
        hooked = urllib.request.Request(f"{url}/hooks/hook", data=b"it came", headers=dict(SHOWN), method="POST")
        with urllib.request.urlopen(hooked, timeout=5) as answer:
            run = json.loads(answer.read())["id"]
        assert "it came" in serving.until(run, "succeeded", "failed", "lost")["answer"]
        assert serving.stop(signal.SIGTERM) == 0
        assert serving.process.stdout is not None
        lines = [json.loads(line) for line in serving.process.stdout.read().splitlines()]
    assert any(line["message"] == "mailbox: 127.0.0.1:1: Connection refused" for line in lines)
    assert lines[-1]["message"] == "stopped"
    told = json.dumps(lines) + stored_text(tmp_path / "store")
    assert TOKEN not in told
    assert "what-the-hook-shows" not in told
    assert "what-opens-the-mailbox" not in told


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        (
            {"UNMOOR_SWEEP_AFTER_DAYS": "soon"},
            "UNMOOR_SWEEP_AFTER_DAYS: 'soon' is not a number of days; the target sets it",
        ),
        (
            {"UNMOOR_SERVE_ON_S": "-1"},
            "UNMOOR_SERVE_ON_S: '-1' is not a number of seconds; the target sets it",
        ),
        (
            {"UNMOOR_LAUNCHER": "nomad"},
            "UNMOOR_LAUNCHER: unknown launcher 'nomad'; known: process, service, docker, ecs, container-apps, cloud-run",
        ),
        ({"UNMOOR_LAUNCHER": "docker"}, "UNMOOR_LAUNCHER_CONFIG: docker requires url; the target sets it"),
        (
            {"UNMOOR_LAUNCHER": "ecs", "UNMOOR_LAUNCHER_CONFIG": '{"region": "eu-west-1", "container": "run"}'},
            "UNMOOR_LAUNCHER_CONFIG: ecs requires cluster, network, task_definition; the target sets it",
        ),
        (
            {"UNMOOR_LAUNCHER": "docker", "UNMOOR_LAUNCHER_CONFIG": "{"},
            "UNMOOR_LAUNCHER_CONFIG is not JSON; the target sets it",
        ),
        (
            {"UNMOOR_LAUNCHER": "docker", "UNMOOR_LAUNCHER_CONFIG": "[]"},
            "UNMOOR_LAUNCHER_CONFIG is not a JSON object; the target sets it",
        ),
    ],
)
def test_what_the_target_says_is_refused_in_one_line_where_it_is_not_whole(
    variables: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_options(variables)
    assert str(refused.value) == says


@pytest.mark.parametrize("missing", ["UNMOOR_GUARD_URL", "UNMOOR_SECRET_API_TOKEN", "UNMOOR_BUNDLE"])
def test_a_container_that_was_not_given_what_it_needs_says_so(tmp_path: Path, missing: str) -> None:
    env = environment(tmp_path, agent_in(tmp_path, **SPEC))
    del env[missing]
    argv = [*AGENT, "serve"]
    ran = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 2
    assert missing in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_a_container_refuses_readiness_at_sigterm_and_serves_on(tmp_path: Path) -> None:
    env = environment(tmp_path, agent_in(tmp_path, **SPEC)) | {"UNMOOR_SERVE_ON_S": "3600"}
    with container(tmp_path, env) as serving:
        os.kill(serving.process.pid, signal.SIGTERM)
        while status_of(f"http://127.0.0.1:{env['PORT']}/readyz") != 503:
            time.sleep(0.02)
        run = serving.start("after the signal")
        assert serving.stop(signal.SIGTERM) == 0
    assert run in stored_text(tmp_path / "store")


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
