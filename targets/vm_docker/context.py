"""The build's context, labels and digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pulumi

from unmoor.target import override_matches
from unmoor.target.component import BuildContext

from .names import release_independent_labels
from .settings import DockerSettings

CONTAINER = "docker:index/container:Container"
# The label that says what a container is.
ROLE = "unmoor.role"


class Context(BuildContext[DockerSettings]):
    """One build on a machine with Docker."""

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


def label_list(labels: Mapping[str, pulumi.Input[str]]) -> list[Any]:
    """Labels as the provider takes them, in a stable order."""
    return [{"label": k, "value": v} for k, v in sorted(labels.items())]


def digest(value: object) -> str:
    """A short digest of a plain value: as a label it makes Docker replace what it would leave as it was."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
