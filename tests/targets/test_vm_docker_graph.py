"""What a machine with Docker is asked for."""

from __future__ import annotations

import json

import pytest
from cases import changed, graph_of, one, plan_of

from unmoor.recording.access_rules import access_breaches
from unmoor.target.registry import load

pytestmark = pytest.mark.slow

TARGET = load("vm-docker")
PLAN = plan_of()
CONTAINER, NETWORK = "docker:index/container:Container", "docker:index/network:Network"
SETTINGS = TARGET.settings(host="ssh://me@203.0.113.7", hostname="agent.example.com")


@pytest.fixture(scope="module")
def graph():
    return graph_of("vm-docker", PLAN, SETTINGS)


def breaches(graph) -> list[str]:
    return access_breaches(PLAN, TARGET.access(PLAN, graph))


def template(graph) -> dict:
    envs = dict(e.split("=", 1) for e in one(graph, CONTAINER, "agent-launcher")["envs"])
    return json.loads(envs["UNMOOR_RUN_TEMPLATE"])


def test_the_graph_as_it_is_breaches_nothing(graph) -> None:
    assert breaches(graph) == []


def test_every_container_that_stays_is_fenced(graph) -> None:
    for container in (r for r in graph if r.type == CONTAINER and r.name != "agent-seed"):
        assert container.inputs["readOnly"] is True
        assert container.inputs["capabilities"]["drops"] == ["ALL"]
        assert container.inputs["securityOpts"] == ["no-new-privileges:true"]
        assert container.inputs["memorySwap"] == container.inputs["memory"]
        assert container.inputs["restart"] == "unless-stopped"
        assert container.inputs["logOpts"]["max-size"] == "10m"


def test_a_run_is_fenced_as_well(graph) -> None:
    host = template(graph)["container"]["HostConfig"]
    assert (host["CapDrop"], host["ReadonlyRootfs"], host["Privileged"]) == (["ALL"], True, False)
    assert host["PidsLimit"] == 512
    assert host["NetworkMode"] == "agent-prod-runs"


def test_the_runs_network_has_no_way_out(graph) -> None:
    assert one(graph, NETWORK, "agent-runs")["internal"] is True
    assert one(graph, NETWORK, "agent-launch")["internal"] is True


def test_only_the_launcher_holds_the_socket(graph) -> None:
    holders = [r.name for r in graph for m in r.inputs.get("mounts", []) if m.get("source") == "/var/run/docker.sock"]
    assert holders == ["agent-launcher"]


def test_only_the_proxy_listens_outside(graph) -> None:
    listening = {r.name: [p["external"] for p in r.inputs["ports"]] for r in graph if r.inputs.get("ports")}
    assert listening == {"agent-proxy": [80, 443]}


def test_without_a_public_name_only_loopback_is_listened_on() -> None:
    local = graph_of(
        "vm-docker",
        plan_of(triggers=[], secrets={"model-key": {"env": "A"}, "repo-token": {"env": "B"}}),
        TARGET.settings(host="local"),
    )
    [port] = one(local, CONTAINER, "agent-proxy")["ports"]
    assert port["ip"] == "127.0.0.1"


def test_a_secret_value_is_nowhere_but_in_the_seeds_uploads(graph) -> None:
    uploads = one(graph, CONTAINER, "agent-seed")["uploads"]
    assert [u["content"] for u in uploads if "/secrets/" in u["file"]] == ["[secret]"] * 6


def test_another_container_with_the_socket_is_caught(graph) -> None:
    mounts = [
        *one(graph, CONTAINER, "agent-gateway-0")["mounts"],
        {"type": "bind", "source": "/var/run/docker.sock", "target": "/x"},
    ]
    found = breaches(changed(graph, CONTAINER, "agent-gateway-0", mounts=mounts))
    assert "code in gateway can obtain the model key model-key" in found
    assert "gateway may start anything" in found


def test_the_gateway_with_the_guards_secrets_is_caught(graph) -> None:
    guard = [m for m in one(graph, CONTAINER, "agent-guard")["mounts"] if "secrets" in m["target"]]
    mounts = [*one(graph, CONTAINER, "agent-gateway-0")["mounts"], *guard]
    planted = changed(graph, CONTAINER, "agent-gateway-0", mounts=mounts)
    assert "gateway can read model-key, which it does not hold" in breaches(planted)
    assert "gateway can read run-token-key, which it does not hold" in breaches(planted)


def test_a_guard_on_the_launchers_network_is_caught(graph) -> None:
    networks = one(graph, CONTAINER, "agent-launcher")["networksAdvanced"]
    assert "guard may start run" in breaches(changed(graph, CONTAINER, "agent-guard", networksAdvanced=networks))


def test_a_port_open_without_tls_is_caught(graph) -> None:
    planted = changed(graph, CONTAINER, "agent-gateway-0", ports=[{"internal": 8080, "external": 8080}])
    assert "gateway listens on public port 8080 without TLS" in breaches(planted)


def test_a_privileged_container_is_caught(graph) -> None:
    assert "agent-guard is privileged" in breaches(changed(graph, CONTAINER, "agent-guard", privileged=True))


def test_two_agents_on_one_machine_publish_different_ports() -> None:
    from unmoor.targets.vm_docker.sizes import loopback_port

    assert loopback_port(PLAN) != loopback_port(plan_of(name="other"))
