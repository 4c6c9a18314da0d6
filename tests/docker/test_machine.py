"""The target vm-docker as its program asks for it, on a real engine: gateway, launcher, guard, and runs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from engine import docker
from machine import Machine, machine
from test_dev_docker import unmoor

from unmoor.load import load

SPEC: dict[str, Any] = {
    "version": 1,
    "name": "machine",
    "harness": {"name": "command", "command": ["sh", "-c", "mkdir -p out; hostname > out/host; exec sh"]},
    "run": {"artifacts": ["out/**"], "max_concurrent": 2, "timeout": "5m"},
    "gateway": {"min": 2, "max": 2},
    "resources": {"memory": "256Mi", "disk": "1Gi"},
}


@pytest.fixture(scope="module")
def agent(base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    home = tmp_path_factory.mktemp("home")
    (home / "unmoor.yaml").write_text(json.dumps(SPEC))
    built = unmoor(home, "build", str(home), "--base", base)
    assert built.returncode == 0, built.stderr
    with machine(load(home).plan, built.stdout.strip(), {"UNMOOR_SECRET_GATEWAY_TOKEN": "t"}) as found:
        ready(found)
        yield found


def ready(agent: Machine) -> None:
    deadline = time.monotonic() + 30
    for role in ("gateway-0", "gateway-1", "guard", "launcher"):
        port = {"guard": "8790", "launcher": "8791"}.get(role, "8080")
        while docker("exec", agent.named(role), "unmoor-agent", "health", port, check=False).returncode:
            assert time.monotonic() < deadline, logs(agent, role)
            time.sleep(0.2)


def logs(agent: Machine, role: str) -> str:
    said = docker("logs", "--tail", "20", agent.named(role), check=False)
    return f"{role}: {said.stdout[-3000:]}{said.stderr[-1000:]}"


def started(agent: Machine, prompt: str) -> str:
    return json.loads(agent.asks("POST", "/runs", json.dumps({"prompt": prompt})))["id"]


def reached(agent: Machine, run: str, *statuses: str) -> dict[str, Any]:
    deadline = time.monotonic() + 90
    while (shown := json.loads(agent.asks("GET", f"/runs/{run}")))["status"] not in statuses:
        assert time.monotonic() < deadline, (shown, logs(agent, "gateway-0"), logs(agent, "launcher"))
        time.sleep(0.2)
    return shown


def test_runs_are_started_in_containers_of_their_own_and_leave_what_they_should(agent: Machine) -> None:
    runs = [started(agent, "true") for _ in range(3)]
    ended = [reached(agent, run, "succeeded", "failed", "lost") for run in runs]
    assert [(r["status"], r["reason"]) for r in ended] == [("succeeded", "")] * 3
    assert [r["confinement"] for r in ended] == ["enforced by landlock+seccomp"] * 3
    hosts = {agent.asks("GET", f"/runs/{run}/artifacts/out/host") for run in runs}
    assert len(hosts) == 3


def test_two_gateways_start_a_run_once_and_one_that_is_started_again_finds_it(agent: Machine) -> None:
    run = started(agent, "sleep 20")
    reached(agent, run, "running")
    docker("restart", agent.named("gateway-0"), agent.named("launcher"))
    ready(agent)
    mine = [c for c in agent.runs() if run in docker("inspect", "--format", "{{.Name}}", c).stdout]
    assert len(mine) == 1
    assert docker("inspect", "--format", "{{.State.Status}}", mine[0]).stdout.strip() == "running"
    agent.asks("POST", f"/runs/{run}/cancel")
    assert reached(agent, run, "cancelled", "failed", "lost")["status"] == "cancelled"


def test_a_runs_container_cannot_reach_the_launcher(agent: Machine) -> None:
    run = started(agent, "sleep 30")
    reached(agent, run, "running")
    [mine] = [c for c in agent.runs() if run in docker("inspect", "--format", "{{.Name}}", c).stdout]
    program = "import urllib.request as u; print(u.urlopen('http://launcher:8791/runs', timeout=5).read())"
    assert docker("exec", mine, "python3", "-c", program, check=False).returncode != 0
    agent.asks("POST", f"/runs/{run}/cancel")
    reached(agent, run, "cancelled")


def test_a_run_whose_workspace_outgrows_its_room_is_stopped(agent: Machine) -> None:
    run = started(agent, "head -c 1200000000 /dev/zero > big; sleep 60")
    shown = reached(agent, run, "lost", "failed", "succeeded")
    assert (shown["status"], shown["reason"]) == ("lost", "its container was told to stop")
    assert "a run's workspace has no room left" in logs(agent, "launcher")
