"""What every concept of the target is built with, and the small things that all of them need."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_docker as docker

from unmoor.plan import Plan
from unmoor.plan.physical_names import tags
from unmoor.target import BuildOptions, override_matches

from .names import release_independent_labels
from .settings import DockerSettings

CONTAINER = "docker:index/container:Container"
# The label that says what a container is.
ROLE = "unmoor.role"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One build: the component's name, what is built, and the options of its children.

    `child` carries the Docker provider; `bare` is for resources of other packages; `kept` is for what holds data.
    """

    name: str
    plan: Plan
    settings: DockerSettings
    options: BuildOptions
    child: pulumi.ResourceOptions
    bare: pulumi.ResourceOptions
    kept: pulumi.ResourceOptions

    def logical(self, role: str) -> str:
        """The logical name of a resource."""
        return f"{self.name}-{role}"

    @property
    def tags(self) -> dict[str, str]:
        return tags(self.plan)

    @property
    def lasting(self) -> dict[str, str]:
        """The labels of networks and volumes: none that changes, since a new label is a new volume to the provider."""
        return release_independent_labels(self.plan)

    def overridden(self, role: str) -> list[dict[str, Any]]:
        """What the user's overrides change of the container of a role."""
        matching = [
            o for o in self.settings.overrides if override_matches(o, self.plan.agent, CONTAINER, self.logical(role))
        ]
        return [o.set for o in matching]

    def after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        """The options of a child that is made after these, and deleted before them."""
        return pulumi.ResourceOptions.merge(self.child, pulumi.ResourceOptions(depends_on=list(resources)))


def container_labels(labels: Mapping[str, pulumi.Input[str]]) -> list[docker.ContainerLabelArgs]:
    """Labels of a container, in a stable order."""
    return [docker.ContainerLabelArgs(label=k, value=v) for k, v in sorted(labels.items())]


def digest(value: object) -> str:
    """A short digest of a plain value: as a label it makes Docker replace what it would leave as it was."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
