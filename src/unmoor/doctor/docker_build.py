"""What builds an image on this machine."""

from __future__ import annotations

from collections.abc import Iterator

from unmoor.docker.engine import DockerHost, DockerUnavailable
from unmoor.findings import Finding
from unmoor.plan import ImageReference, Plan

from .machine import docker, no_docker

HERE = "on this machine"


def builder_findings(plan: Plan | None) -> Iterator[Finding]:
    """Whether this machine's Docker answers, where the agent's image is built by it."""
    if plan is not None and isinstance(plan.image, ImageReference):
        return
    try:
        with DockerHost.of_this_machine() as host:
            yield docker(host.version(), where=HERE)
    except DockerUnavailable as error:
        yield no_docker(str(error), where=HERE, needed_for="the image is built by it, unless image names one")
