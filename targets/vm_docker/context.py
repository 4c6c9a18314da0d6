"""The build's context, labels and digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pulumi

from unmoor.target import override_matches
from unmoor.target.component import BuildContext

from .settings import DockerSettings

CONTAINER = "docker:index/container:Container"
# The label with a container's role.
ROLE = "unmoor.role"


class Context(BuildContext[DockerSettings]):
    """One build on a machine with Docker."""

    @property
    def lasting(self) -> dict[str, str]:
        """The labels of networks and volumes; they never change, since the provider would replace the volume."""
        return self.tags

    def overridden(self, role: str) -> list[dict[str, Any]]:
        """The changes of the user's overrides to the container of a role."""
        matching = [
            o for o in self.settings.overrides if override_matches(o, self.plan.agent, CONTAINER, self.logical(role))
        ]
        return [o.set for o in matching]


def label_list(labels: Mapping[str, pulumi.Input[str]]) -> list[Any]:
    """Labels as the provider takes them, sorted."""
    return [{"label": k, "value": v} for k, v in sorted(labels.items())]


def digest(value: object) -> str:
    """A short digest of a plain value; as a label it makes the provider replace a container."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
