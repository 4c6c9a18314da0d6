"""What every concept of the target is built with, and the small things that all of them need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from unmoor.plan import Plan
from unmoor.target import BuildOptions

from .names import labels
from .settings import CloudRunSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One build: the component's name, what is built, the APIs that are switched on, and the options of its children.

    `child` carries the Google provider; `bare` is for resources of other packages.
    """

    name: str
    plan: Plan
    settings: CloudRunSettings
    options: BuildOptions
    apis: Mapping[str, gcp.projects.Service]
    child: pulumi.ResourceOptions
    bare: pulumi.ResourceOptions

    def logical(self, role: str) -> str:
        """The logical name of a resource."""
        return f"{self.name}-{role}"

    @property
    def labels(self) -> dict[str, str]:
        return labels(self.plan)

    def using(self, api: str, *first: pulumi.Resource, kept: bool = False) -> pulumi.ResourceOptions:
        """The options of a child that needs that API and is made after these; `kept` is for what holds data."""
        keep = pulumi.ResourceOptions(retain_on_delete=True) if kept and not self.settings.destroy_data else None
        after = pulumi.ResourceOptions(depends_on=[self.apis[api], *first])
        return pulumi.ResourceOptions.merge(pulumi.ResourceOptions.merge(self.child, after), keep)
