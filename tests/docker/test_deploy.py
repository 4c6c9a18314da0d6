"""An agent deployed by `unmoor up` onto this machine's Docker: what it does, what a change of it does, and its end."""

from __future__ import annotations

import threading
import time
import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest
from command import docker
from deployed import Asked, Deployed
from facts import fact
from specs import EVENT, SECRET, spec


@pytest.fixture(scope="module")
def agent(images: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    home = tmp_path_factory.mktemp("deployed")
    deployed = Deployed(home=home, spec=spec("deployed", *images), secrets={"HOOK_SECRET": SECRET})
    deployed.remove()
    try:
        said = deployed.up()
        fact(f"up from nothing, with its images: {said.seconds:.1f} s")
        yield deployed
    finally:
        deployed.remove()


def test_a_second_up_changes_nothing_nor_does_one_after_all_was_read_again(agent: Deployed) -> None:
    assert "deployed in default on vm-docker: no changes" in agent.up().out.splitlines()
    assert "no drift" in agent.unmoor("refresh").all
    said = agent.up()
    assert "deployed in default on vm-docker: no changes" in said.out.splitlines()
    fact(f"up that changes nothing: {said.seconds:.1f} s")


def test_what_runs_is_verified_to_be_what_was_deployed(agent: Deployed) -> None:
    said = agent.unmoor("verify")
    assert [line.split()[:2] for line in said.out.splitlines()] == [
        ["fine", "revision"],
        ["fine", "gateway"],
        ["fine", "self-test"],
    ]
    fact(f"verify, with a run of its own: {said.seconds:.1f} s")


def test_a_new_bundle_rolls_what_must_and_neither_a_running_nor_a_queued_run_is_lost(agent: Deployed) -> None:
    with agent.asked() as ask:
        runs = [ask.start(f"sleep {n}; echo done > out/done") for n in (30, 3, 3, 3)]
        ask.reached(runs[0], "running")
        with answering(ask) as missed:
            said = agent.up(
                harness={"name": "command", "command": ["sh", "-c", "mkdir out; hostname > out/host; exec sh"]}
            )
        fact(f"up with another bundle: {said.seconds:.1f} s")
        assert said.remade == {"seed", "guard", "launcher", "gateway-0", "gateway-1"}
        assert missed == []
        ended = [ask.reached(run) for run in runs]
        assert [(r["status"], r["reason"]) for r in ended] == [("succeeded", "")] * 4


class answering:
    """Asks the gateway all the time that the block takes; what was not answered with success is in the list."""

    def __init__(self, ask: Asked) -> None:
        self.ask, self.missed, self.stop = ask, list[str](), threading.Event()
        self.thread = threading.Thread(target=self._asking)

    def __enter__(self) -> list[str]:
        self.thread.start()
        return self.missed

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()

    def _asking(self) -> None:
        while not self.stop.wait(0.1):
            try:
                self.ask("/runs?limit=1")
            except OSError as error:
                self.missed.append(str(error))


def test_another_value_of_a_secret_makes_anew_what_holds_it_and_nothing_else(agent: Deployed) -> None:
    agent.secrets["HOOK_SECRET"] = "another value"
    said = agent.up()
    assert said.remade == {"seed", "gateway-0", "gateway-1"}
    with agent.asked() as ask:
        assert ask.sends("github", EVENT, SECRET, "3")[0] == 401
        assert ask.sends("github", EVENT, "another value", "4")[0] == 202
    assert "another value" not in said.all


def test_what_the_provider_changes_silently_or_not_at_all_makes_a_new_container(agent: Deployed) -> None:
    override = {"type": "docker:index/container:Container", "name": "guard", "set": {"healthcheck.retries": 20}}
    settings = agent.spec["targets"]["vm-docker"]
    said = agent.up(targets={"vm-docker": {**settings, "overrides": [override]}})
    assert said.remade == {"guard"}
    [guard] = agent.containers("guard")
    assert docker("inspect", "--format", "{{.Config.Healthcheck.Retries}}", guard).stdout.strip() == "20"
    assert agent.up(targets={"vm-docker": settings}).remade == {"guard"}


def container(role: str, **inputs: Any) -> dict[str, Any]:
    """An override of a container's inputs."""
    return {"type": "docker:index/container:Container", "name": role, "set": inputs}


BROKEN = {
    "a container that does not come up": (
        [container("guard", command=["no-command"], waitTimeout=3)],
        "container failed to be in healthy state",
    ),
    "a seed that fails": (
        [container("seed", command=["exit 3"]), *(container(r, waitTimeout=3) for r in ("guard", "gateway-0"))],
        "Container deployed-seed: it ended with 3: docker logs deployed-default-seed says why",
    ),
}


@pytest.mark.parametrize(("overrides", "said"), BROKEN.values(), ids=BROKEN)
def test_what_does_not_come_up_fails_the_deployment_and_the_next_one_mends_it(
    agent: Deployed, overrides: list[dict[str, Any]], said: str
) -> None:
    settings = agent.spec["targets"]["vm-docker"]
    # Another bundle, so that what needs the seed needs it now.
    broken = {**agent.spec, "description": said, "targets": {"vm-docker": {**settings, "overrides": overrides}}}
    whole, agent.spec = agent.spec, broken
    agent.write()
    failed = agent.unmoor("up", "--yes", "--no-verify", check=False)
    agent.spec = whole
    assert failed.code == 1
    assert said in failed.all
    agent.up()
    with agent.asked() as ask:
        assert ask.reached(ask.start("true"))["status"] == "succeeded"


def test_two_agents_serve_side_by_side_and_one_goes_without_the_other(
    agent: Deployed, images: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = {"host": "local", "caddy_image": images[1], "proxy": "none"}
    beside = spec("beside", *images, gateway={"min": 1, "max": 1}, targets={"vm-docker": settings})
    other = Deployed(home=tmp_path_factory.mktemp("beside"), spec=beside, secrets={"HOOK_SECRET": SECRET})
    try:
        other.up()
        with agent.asked() as ask, other.asked() as ask_other:
            assert ask.url != ask_other.url
            run, others = ask.start("true"), ask_other.start("true")
            assert ask.reached(run)["status"] == ask_other.reached(others)["status"] == "succeeded"
            with pytest.raises(urllib.error.HTTPError, match="404"):
                ask_other(f"/runs/{run}")
            with pytest.raises(urllib.error.HTTPError, match="401"):
                Asked(url=ask_other.url, token=ask.token)("/runs")
            other.unmoor("down", "--yes")
            assert ask.reached(ask.start("true"))["status"] == "succeeded"
    finally:
        other.remove()


def test_down_ends_what_runs_and_keeps_the_data_and_a_later_up_finds_it(agent: Deployed) -> None:
    with agent.asked() as ask:
        done = ask.start("echo kept > out/kept")
        ask.reached(done)
        going = ask.start("sleep 600")
        ask.reached(going, "running")
    began = time.monotonic()
    said = agent.unmoor("down", "--yes")
    fact(f"down, with a run that goes on: {time.monotonic() - began:.1f} s")
    kept = docker("volume", "ls", "--quiet", "--filter", "label=agent=deployed").stdout.split()
    assert len(kept) == 6
    assert all(f"({name})" in said.all for name in kept)
    assert docker("ps", "--all", "--quiet", "--filter", "label=agent=deployed").stdout == ""
    assert docker("network", "ls", "--quiet", "--filter", "label=agent=deployed").stdout == ""
    agent.up()
    with agent.asked() as ask:
        assert ask.text(f"/runs/{done}/artifacts/out/kept") == "kept\n"
        shown = ask.reached(going)
        assert (shown["status"], shown["reason"]) == ("lost", "the container was told to stop")
    agent.unmoor("down", "--yes", "--destroy-data")
    assert docker("volume", "ls", "--quiet", "--filter", "label=agent=deployed").stdout == ""
