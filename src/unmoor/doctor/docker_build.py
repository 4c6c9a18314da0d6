"""Checks the Docker that builds the agent's image."""

from __future__ import annotations

from collections.abc import Iterator

from unmoor.docker.engine import DockerHost, DockerUnavailable
from unmoor.findings import Finding
from unmoor.plan import ImageReference, Plan

from .machine import docker, no_docker

HERE = "on this machine"


def builder_findings(plan: Plan | None) -> Iterator[Finding]:
    """Whether this machine's Docker answers, if the agent's image is built with it."""
    if plan is not None and isinstance(plan.image, ImageReference):
        return
    try:
        with DockerHost.of_this_machine() as host:
            yield docker(host.version(), where=HERE)
    except DockerUnavailable as error:
        yield no_docker(str(error), where=HERE, needed_for="it builds the image, unless the spec's image names one")
