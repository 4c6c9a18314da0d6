"""What pulumi-docker does silently, or again and again, and what every example's graph does about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cases import graph_of, one, plan_of

from unmoor.graph import SECRET, Resource
from unmoor.recording.of_target import graph_of as recorded
from unmoor.spec.load import load as load_spec
from unmoor.target.choose import select_target
from unmoor.target.registry import load

pytestmark = pytest.mark.slow

EXAMPLES = sorted(p.name for p in (Path(__file__).parents[2] / "examples").iterdir() if (p / "unmoor.yaml").is_file())
TARGET = load("vm-docker")
CONTAINER = "docker:index/container:Container"
# What changes on a container that is there by its replacement, by an update, or not at all though it is said to be.
UNSEEN = ("healthcheck", "tmpfs", "init")
HOST = TARGET.settings(host="local")


@pytest.fixture(scope="module", params=EXAMPLES)
def graph(request: pytest.FixtureRequest) -> tuple[Resource, ...]:
    chosen = select_target(load_spec(Path("examples") / request.param), "vm-docker").require_accepted()
    return recorded(TARGET, chosen.loaded.plan, chosen.settings)


def containers(graph: tuple[Resource, ...]) -> Iterator[dict[str, Any]]:
    return (dict(r.inputs) for r in graph if r.type == CONTAINER)


def labels(inputs: dict[str, Any]) -> dict[str, str]:
    """By their names; of labels that are secret as a whole, since one of them is, no more is known than that."""
    if inputs["labels"] == SECRET:
        return {"unmoor.unseen": SECRET, "unmoor.secrets": SECRET}
    return {label["label"]: label["value"] for label in inputs["labels"]}


def test_what_docker_would_leave_as_it_was_is_in_a_label(graph: tuple[Resource, ...]) -> None:
    for container in containers(graph):
        assert "unmoor.unseen" in labels(container) or not container.keys() & set(UNSEEN)


def test_ports_ascend_and_swap_is_said_with_memory(graph: tuple[Resource, ...]) -> None:
    for container in containers(graph):
        ports = [p["internal"] for p in container.get("ports", [])]
        assert ports == sorted(ports)
        assert container.get("memorySwap") == container.get("memory")
        assert "cpuPeriod" not in container
        assert "cpuQuota" not in container


def test_durations_are_as_go_writes_them_and_the_start_has_no_interval_of_its_own(graph: tuple[Resource, ...]) -> None:
    for container in containers(graph):
        check = container.get("healthcheck", {})
        assert "startInterval" not in check
        for key in ("interval", "timeout", "startPeriod"):
            assert re.fullmatch(r"(\d+h)?([1-5]?\dm)?([1-5]?\d(\.\d+)?s)?|\d{1,3}ms", check.get(key, "0s"))


def test_capabilities_have_their_whole_names(graph: tuple[Resource, ...]) -> None:
    for container in containers(graph):
        capabilities = container["capabilities"]
        assert all(c == "ALL" or c.startswith("CAP_") for c in (*capabilities["drops"], *capabilities.get("adds", [])))


def test_what_stays_has_time_to_end_and_nothing_is_uploaded_into_it(graph: tuple[Resource, ...]) -> None:
    for container in containers(graph):
        if container.get("mustRun", True):
            assert container["destroyGraceSeconds"] == container["stopTimeout"] == 30
            assert container["readOnly"] is True
            assert "uploads" not in container


def test_an_upload_from_a_file_says_what_is_in_it(graph: tuple[Resource, ...]) -> None:
    [seed] = [c for c in containers(graph) if "uploads" in c]
    assert all("sourceHash" in u or "content" in u for u in seed["uploads"])
    assert "readOnly" not in seed
    assert "tmpfs" not in seed


def test_images_are_run_by_an_id_or_by_a_name_with_the_digest_of_their_content(graph: tuple[Resource, ...]) -> None:
    for container in containers(graph):
        assert re.match(r"sha256:[0-9a-f]{64}$|unmoor/\S+:\S+-[0-9a-f]{12}$", container["image"])


def test_no_release_of_unmoor_makes_volumes_or_networks_anew(graph: tuple[Resource, ...]) -> None:
    for resource in graph:
        if resource.type in ("docker:index/volume:Volume", "docker:index/network:Network"):
            assert [label["label"] for label in resource.inputs["labels"]] == ["agent", "environment", "managed-by"]


def test_each_part_is_waited_for_once(graph: tuple[Resource, ...]) -> None:
    waited = [
        c["name"].split("-")[-1 if "gateway" not in c["name"] else -2] for c in containers(graph) if c.get("wait")
    ]
    assert sorted(waited) == ["0", "guard", "proxy"]


def test_an_override_of_what_docker_would_leave_as_it_was_makes_a_new_container() -> None:
    override = {"type": CONTAINER, "name": "guard", "set": {"healthcheck.retries": 20}}
    bare = plan_of(triggers=[], model=None, context={}, secrets={}, harness={"name": "command", "command": ["sh"]})
    plain = graph_of("vm-docker", bare, HOST)
    overridden = graph_of("vm-docker", bare, TARGET.settings(host="local", overrides=[override]))
    assert unseen(plain, "agent-guard") != unseen(overridden, "agent-guard")
    assert unseen(plain, "agent-launcher") == unseen(overridden, "agent-launcher")


def unseen(graph: tuple[Resource, ...], name: str) -> str:
    return labels(dict(one(graph, CONTAINER, name)))["unmoor.unseen"]


def test_a_part_knows_which_values_its_secrets_have_and_no_other_parts() -> None:
    graph = graph_of("vm-docker", plan_of(), HOST)
    knowing = {r.name for r in graph if r.type == CONTAINER and "unmoor.secrets" in labels(dict(r.inputs))}
    assert knowing == {"agent-gateway-0", "agent-gateway-1", "agent-guard"}


def test_runs_beside_the_gateway_work_on_disk_and_may_start_programs_there() -> None:
    [gateway] = [
        c
        for c in containers(graph_of("vm-docker", plan_of(run={"isolation": "process"}, gateway={"max": 1}), HOST))
        if "gateway-0" in c["name"]
    ]
    assert gateway["tmpfs"] == {"/tmp": "rw,exec,nosuid,nodev,size=256m"}
    assert {"type": "volume", "target": "/work", "readOnly": False} in gateway["mounts"]


def test_the_launcher_has_the_socket_of_the_machines_that_is_meant() -> None:
    graph = graph_of("vm-docker", plan_of(), TARGET.settings(host="unix:///run/user/1000/docker.sock"))
    [mount] = one(graph, CONTAINER, "agent-launcher")["mounts"]
    assert (mount["source"], mount["target"]) == ("/run/user/1000/docker.sock", "/var/run/docker.sock")
