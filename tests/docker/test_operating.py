"""An agent that is deployed onto a machine's Docker, as its user sees to it: verified, triggered, read, ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import docker
from deployed import Deployed
from facts import FACTS
from specs import EVENT, SECRET, spec


@pytest.fixture(scope="module")
def agent(images: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    made = spec("operated", *images)
    deployed = Deployed(home=tmp_path_factory.mktemp("operated"), spec=made, secrets={"HOOK_SECRET": SECRET})
    deployed.remove()
    try:
        said = deployed.unmoor("up", "--yes")
        assert "fine   self-test" in said.out, said.all
        yield deployed
    finally:
        deployed.remove()


def test_what_was_deployed_is_what_runs(agent: Deployed) -> None:
    said = agent.unmoor("verify")
    revision, gateway, self_test = said.out.splitlines()
    assert revision.startswith("fine   revision   5 containers run ")
    assert gateway.startswith("fine   gateway    http://127.0.0.1:")
    assert self_test.startswith("fine   self-test  a signed delivery was accepted, and run-")
    FACTS.append(f"verify of what serves: {said.seconds:.1f} s")


def test_a_run_is_triggered_followed_listed_and_read(agent: Deployed) -> None:
    said = agent.unmoor("trigger", "echo out of a container", "--follow")
    run, *lines = said.out.splitlines()
    assert [line[10:] for line in lines[1:]] == ["says     out of a container", "ends     succeeded"]
    [newest] = json.loads(agent.unmoor("runs", "--limit", "1", "--json").out)
    assert (newest["id"], newest["status"]) == (run, "succeeded")
    assert agent.unmoor("logs", run).out.splitlines() == lines
    FACTS.append(f"trigger to the run's end, in a container of its own: {said.seconds:.1f} s")


def test_a_recorded_webhook_is_signed_and_listed(agent: Deployed, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text(json.dumps(EVENT))
    hook = ("--hook", "github", "--body", str(tmp_path / "event.json"))
    said = agent.unmoor("trigger", *hook, "--follow")
    assert "says     issue 7" in said.out
    [newest] = json.loads(agent.unmoor("deliveries", "--trigger", "github", "--limit", "1", "--json").out)
    assert (newest["outcome"], newest["run"]) == ("accepted", said.out.splitlines()[0])


def test_a_run_is_cancelled(agent: Deployed) -> None:
    run = agent.unmoor("trigger", "sleep 120").out.strip()
    agent.unmoor("cancel", run)
    ended = agent.unmoor("logs", "-f", run).out.splitlines()[-1]
    assert ended[10:].startswith("ends     cancelled")


def test_a_container_that_is_gone_is_said_and_nothing_more_is_looked_at(agent: Deployed) -> None:
    [guard] = agent.containers("guard")
    docker("stop", guard)
    try:
        said = agent.unmoor("verify", check=False)
        assert said.code == 1
        assert said.out.splitlines()[0].startswith(f"wrong  revision   {guard} is exited: exit code ")
        assert "self-test" not in said.out
    finally:
        docker("start", guard)
    assert agent.unmoor("verify", "--no-self-test").code == 0


def test_the_doctor_knows_the_agents_own_port(agent: Deployed) -> None:
    found = json.loads(agent.unmoor("doctor", "--json", check=False).out)
    [port] = [each for each in found if each["topic"].startswith("port ")]
    assert (port["state"], port["said"]) == ("fine", "taken on this machine by this agent")
