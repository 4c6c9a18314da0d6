"""An agent deployed by ssh onto a machine of its own, which is rebooted, and loses its power."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from command import docker
from deployed import Asked, Deployed
from facts import fact
from specs import EVENT, PROBE, SECRET, spec
from vm import Vm, machine

PORT = 28080


@dataclass(kw_only=True)
class OnVm:
    """The machine and the agent on it."""

    vm: Vm
    agent: Deployed


@pytest.fixture(scope="module")
def there(images: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnVm]:
    folder = tmp_path_factory.mktemp("vm")
    with machine(folder / "way") as vm:
        vm.load(*images)
        settings = {
            **{"host": vm.way.host, "ssh_opts": vm.way.options, "port": PORT},
            **{"caddy_image": images[1], "proxy": "none"},
        }
        (folder / "home").mkdir()
        parts = {"targets": {"vm-docker": settings}, "run": {"artifacts": ["out/**"], "max_concurrent": 1}}
        made = spec("onvm", *images, **parts)
        agent = Deployed(home=folder / "home", spec=made, secrets={"HOOK_SECRET": SECRET}, docker=vm.docker)
        said = agent.up()
        fact(f"up by ssh on a machine from nothing, with its images: {said.seconds:.1f} s")
        yield OnVm(vm=vm, agent=agent)


def test_it_is_deployed_by_ssh_and_a_second_up_changes_nothing(there: OnVm) -> None:
    assert "no drift" in there.agent.unmoor("refresh").all
    said = there.agent.up()
    assert "onvm in default on vm-docker: no changes" in said.out.splitlines()
    assert {c.rsplit("-", 1)[0] for c in there.agent.containers("gateway")} == {
        "onvm-default-gateway-0",
        "onvm-default-gateway-1",
    }


def test_it_is_verified_and_triggered_from_here_though_it_serves_on_its_own_loopback(there: OnVm) -> None:
    said = there.agent.up(verified=True)
    assert [line.split()[:2] for line in said.out.splitlines()[-3:]] == [
        ["fine", "revision"],
        ["fine", "gateway"],
        ["fine", "self-test"],
    ]
    triggered = there.agent.unmoor("trigger", "echo said > out/said", "--follow")
    assert triggered.code == 0


def test_a_webhook_runs_there(there: OnVm) -> None:
    with asked(there) as ask:
        status, answer = ask.sends("github", EVENT, SECRET, "1")
        assert status == 202
        shown = ask.reached(answer["id"])
        assert (shown["status"], shown["confinement"]) == ("succeeded", "enforced by landlock+seccomp")
        assert ask.text(f"/runs/{answer['id']}/artifacts/out/issue") == "issue 7\n"


def test_a_run_does_not_reach_the_machine_where_the_engine_can_see_to_that(there: OnVm) -> None:
    version = there.vm.docker("version", "--format", "{{.Server.Version}}").stdout
    isolates = tuple(int(part) for part in version.split(".")[:2]) >= (27, 1)
    network = json.loads(there.vm.docker("network", "inspect", "onvm-default-runs").stdout)[0]
    own = docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", there.vm.name)
    bridge = network["IPAM"]["Config"][0].get("Gateway") or own.stdout.strip()
    with asked(there) as ask:
        run = ask.start("sleep 60")
        ask.reached(run, "running")
        places = [f"{address}:22" for address in (bridge, own.stdout.strip())]
        inside = there.agent.container(run)
        found = there.vm.docker("exec", inside, "python3", "-c", PROBE, *places).stdout.splitlines()
        ask(f"/runs/{run}/cancel", {})
        ask.reached(run)
    fact(f"a run on Docker {version.strip()} and the machine's sshd: {', '.join(found)}")
    assert found[0].endswith("not reached") == isolates
    assert not isolates or found[1].endswith("not reached")


@pytest.mark.parametrize(
    ("end", "reason"),
    [(Vm.reboot, "the container was told to stop"), (Vm.lose_power, "runner lost: no heartbeat for 60 s")],
    ids=["a reboot", "a loss of power"],
)
def test_what_waits_goes_on_after_and_what_ran_is_lost_and_says_why(
    there: OnVm, end: Callable[[Vm], None], reason: str
) -> None:
    with asked(there) as ask:
        ran, *waiting = [ask.start(f"sleep {n}; echo done > out/done") for n in (600, 0, 0)]
        ask.reached(ran, "running")
        done = ask.start("true")
    end(there.vm)
    with asked(there) as ask:
        ended = [ask.reached(run, within=180) for run in (*waiting, done)]
        assert [r["status"] for r in ended] == ["succeeded"] * 3
        lost = ask.reached(ran)
        assert (lost["status"], lost["reason"]) == ("lost", reason)
        assert ask.sends("github", EVENT, SECRET, f"after {reason}")[0] == 202
    assert "onvm in default on vm-docker: no changes" in there.agent.up().out.splitlines()


class asked:
    """Asks the gateway there, by a tunnel to its loopback."""

    def __init__(self, there: OnVm) -> None:
        self.tunnel = there.vm.way.tunnel(PORT)
        self.token = there.agent.outputs()["token"]

    def __enter__(self) -> Asked:
        return Asked(url=self.tunnel.__enter__(), token=self.token)

    def __exit__(self, *error: object) -> None:
        self.tunnel.__exit__(None, None, None)
