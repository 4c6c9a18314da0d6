"""Whether the agent's containers run the deployed image and bundle and are healthy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unmoor.docker.engine import ContainerNotFound, DockerHost
from unmoor.plan import Plan
from unmoor.target import Outputs
from unmoor.target.revision import Revision, failed_revision, moving_revision, serving_revision

from .doctor import host_of
from .names import name
from .settings import DockerSettings

LOG_LINES = 20
# The proxy has its own image.
PROXY = "proxy"


def current_revision(outputs: Outputs, settings: DockerSettings, plan: Plan) -> Revision:
    """The state of the long-running containers now."""
    with host_of(settings) as host:
        return inspect_containers(host, outputs, plan)


def inspect_containers(host: DockerHost, outputs: Outputs, plan: Plan) -> Revision:
    """Their state: the first that has failed, else the first that is rolling out."""
    try:
        image = host.image(outputs.image)["Id"]
    except ContainerNotFound:
        return failed_revision(f"the image {outputs.image} is not on the machine; unmoor up creates it")
    found = [_container(host, role, name(plan, role), image, outputs) for role in roles(plan)]
    wrong = [each for each in found if each.state != "serves"]
    if not wrong:
        return serving_revision(f"{len(found)} containers run {outputs.image}")
    return min(wrong, key=lambda each: each.state != "failed")


def roles(plan: Plan) -> tuple[str, ...]:
    """The long-running containers."""
    gateways = tuple(f"gateway-{index}" for index in range(plan.gateway.max))
    launcher = ("launcher",) if plan.run.isolation == "container" else ()
    return (*gateways, "guard", *launcher, PROXY)


def _container(host: DockerHost, role: str, called: str, image: str, outputs: Outputs) -> Revision:
    try:
        found = host.container(called)
    except ContainerNotFound:
        return failed_revision(f"the container {called} does not exist; unmoor refresh and unmoor up create it again")
    revision = container_state(called, found, image if role != PROXY else "", outputs.bundle)
    if revision.state != "failed":
        return revision
    return failed_revision(revision.text, host.last_lines(called, LOG_LINES))


def container_state(called: str, found: Mapping[str, Any], image: str, bundle: str) -> Revision:
    """The state of a container from Docker's data; an empty image matches any."""
    state, health = found["State"], (found["State"].get("Health") or {}).get("Status", "")
    if state["Status"] in ("exited", "dead") or (state["Status"] == "restarting"):
        return failed_revision(f"{called} is {state['Status']}: {_exit_reason(state)}")
    if image and found["Image"] != image:
        return failed_revision(f"{called} runs the image {found['Image'][:19]} not the deployed {image[:19]}")
    environment = dict(line.partition("=")[::2] for line in found["Config"].get("Env") or ())
    if environment.get("UNMOOR_BUNDLE", bundle) != bundle:
        return failed_revision(
            f"{called} has the bundle {environment['UNMOOR_BUNDLE'][:12]} not the deployed {bundle[:12]}"
        )
    if health == "unhealthy":
        return failed_revision(f"{called} is unhealthy: {_last_check(state)}")
    if state["Status"] != "running" or health == "starting":
        return moving_revision(f"{called} is {health or state['Status']}")
    return serving_revision(called)


def _exit_reason(state: Mapping[str, Any]) -> str:
    if state.get("OOMKilled"):
        return "the kernel killed it: out of memory"
    return state.get("Error") or f"exit code {state.get('ExitCode')}"


def _last_check(state: Mapping[str, Any]) -> str:
    log = (state.get("Health") or {}).get("Log") or ()
    return str(log[-1]["Output"]).strip() or "its check fails" if log else "its check fails"
