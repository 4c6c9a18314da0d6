"""What an agent that is deployed onto a machine's Docker does: its runs, and what they can and cannot do."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import docker
from deployed import Deployed
from specs import EVENT, PROBE, SECRET, spec


@pytest.fixture(scope="module")
def agent(images: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    made = spec("running", *images)
    deployed = Deployed(home=tmp_path_factory.mktemp("running"), spec=made, secrets={"HOOK_SECRET": SECRET})
    deployed.remove()
    try:
        deployed.up()
        yield deployed
    finally:
        deployed.remove()


def test_a_signed_webhook_becomes_a_run_in_a_container_of_its_own_with_events_and_artifacts(agent: Deployed) -> None:
    with agent.asked() as ask:
        assert ask.sends("github", EVENT, "another secret", "1")[0] == 401
        status, answer = ask.sends("github", EVENT, SECRET, "2")
        assert status == 202
        run = answer["id"]
        assert ask.sends("github", EVENT, SECRET, "2") == (202, answer)
        shown = ask.reached(run)
        assert (shown["status"], shown["reason"]) == ("succeeded", "")
        assert shown["confinement"] == "enforced by landlock+seccomp"
        assert ask.text(f"/runs/{run}/artifacts/out/issue") == "issue 7\n"
        host = ask.text(f"/runs/{run}/artifacts/out/host").strip()
        assert docker("inspect", "--format", "{{.Config.Hostname}}", agent.container(run)).stdout.strip() == host
        events = ask(f"/runs/{run}/events?after=0&wait=20")
        assert (events["events"][0]["type"], events["events"][-1]["type"]) == ("run.started", "run.finished")


def test_a_runs_container_reaches_the_guard_and_nothing_else(agent: Deployed) -> None:
    with agent.asked() as ask:
        run = ask.start("sleep 60")
        ask.reached(run, "running")
        inside = agent.container(run)
        others = [
            a for role in ("gateway", "launcher", "proxy") for name in agent.containers(role) for a in addresses(name)
        ]
        assert len(others) >= 6
        places = [
            "launcher:8791",
            "gateway-0:8080",
            "192.0.2.1:443",
            *(f"{a}:{p}" for a in others for p in (8080, 8791)),
        ]
        found = docker("exec", inside, "python3", "-c", PROBE, "guard:8790", *places).stdout.splitlines()
        assert found == ["guard:8790 reached", *(f"{place} not reached" for place in places)]
        ask(f"/runs/{run}/cancel", {})
        ask.reached(run)


def addresses(container: str) -> list[str]:
    networks = json.loads(docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", container).stdout)
    return [network["IPAddress"] for network in networks.values()]


def test_the_machine_itself_is_out_of_a_runs_reach_where_the_engine_can_do_that(agent: Deployed) -> None:
    """Before 27.1 the bridge's own address is not: README.md says so, and so does `unmoor doctor`."""
    version = docker("version", "--format", "{{.Server.Version}}").stdout
    isolates = tuple(int(part) for part in version.split(".")[:2]) >= (27, 1)
    network = json.loads(docker("network", "inspect", "running-default-runs").stdout)[0]
    bridge = network["IPAM"]["Config"][0].get("Gateway", "")
    with agent.asked() as ask:
        run = ask.start("sleep 60")
        ask.reached(run, "running")
        with contextlib.suppress(OSError), socket.create_server((bridge, 0)) as listening:
            place = f"{bridge}:{listening.getsockname()[1]}"
            found = docker("exec", agent.container(run), "python3", "-c", PROBE, place).stdout.strip()
            assert found == f"{place} {'not reached' if isolates else 'reached'}"
        ask(f"/runs/{run}/cancel", {})
        ask.reached(run)


ASK_LAUNCHER = """
import sys, urllib.error, urllib.request as u
for method, path in zip(sys.argv[1::2], sys.argv[2::2]):
    try:
        print(u.urlopen(u.Request("http://launcher:8791" + path, method=method), timeout=30).status)
    except urllib.error.HTTPError as error:
        print(error.code)
"""


def test_the_launcher_starts_and_stops_nothing_but_this_agents_runs(agent: Deployed) -> None:
    [launcher] = agent.containers("launcher")
    prefix = "running-default-run"
    somebodys, run = f"{prefix}-run-ybqr5rxvt-5z939m3", "run-ybqr5rxvt-5z939m3"
    docker("run", "--detach", "--name", somebodys, agent.spec["image"], "serve", check=False)
    try:
        asked = [
            "DELETE",
            f"/runs/{run}",
            "POST",
            f"/runs/{run}",
            "POST",
            f"/runs/{launcher}",
            "POST",
            "/containers/create",
        ]
        gateway = agent.containers("gateway")[0]
        said = docker("exec", gateway, "python3", "-c", ASK_LAUNCHER, *asked).stdout.split()
        assert said == ["409", "409", "404", "404"]
        assert docker("inspect", "--format", "{{.Name}}", somebodys).stdout.strip() == f"/{somebodys}"
    finally:
        docker("rm", "--force", "--volumes", somebodys)


def test_a_run_is_there_once_and_goes_on_when_a_gateway_and_the_launcher_are_started_again(agent: Deployed) -> None:
    with agent.asked() as ask:
        run = ask.start("sleep 15; echo done > out/done")
        ask.reached(run, "running")
        docker("restart", agent.containers("gateway")[0], *agent.containers("launcher"))
        assert ask.reached(run)["status"] == "succeeded"
        assert len([name for name in agent.containers("run") if name.endswith(run)]) == 1


def test_a_run_whose_workspace_outgrows_its_room_is_stopped(agent: Deployed) -> None:
    with agent.asked() as ask:
        shown = ask.reached(ask.start("head -c 1200000000 /dev/zero > big; sleep 60"))
    assert (shown["status"], shown["reason"]) == ("lost", "the container was told to stop")
    assert "workspace exceeds the disk limit" in docker("logs", *agent.containers("launcher")).stdout


def test_runs_in_the_gateways_container_have_the_disk_and_may_start_what_they_put_there(
    images: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("inside")
    (home / "image").mkdir()
    Path(home, "image", "Dockerfile").write_text(f"FROM {images[0]}\nENV MADE=here\n")
    parts = {"run": {"isolation": "process", "artifacts": ["out/**"]}, "gateway": {"min": 1, "max": 1}}
    made = {**spec("inside", *images, **parts), "image": {"build": "./image"}}
    agent = Deployed(home=home, spec=made, secrets={"HOOK_SECRET": SECRET})
    try:
        agent.up()
        with agent.asked() as ask:
            script = (
                "head -c 400000000 /dev/zero > big; cp /bin/echo own; ./own executed > out/said; ls -s big >> out/said"
            )
            run = ask.start(script)
            assert ask.reached(run)["status"] == "succeeded"
            said = ask.text(f"/runs/{run}/artifacts/out/said").split()
            assert said[0] == "executed"
            assert int(said[1]) >= 390000
        assert "no changes" in agent.up().out
    finally:
        agent.remove()
