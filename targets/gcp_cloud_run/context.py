"""The build's context: the project's APIs, and the options of resources that need one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import pulumi
import pulumi_gcp as gcp

from unmoor.plan import Plan
from unmoor.target.component import BuildContext

from .container_sizes import isolated_runs
from .names import COMPUTE, labels, name
from .registries import makes_repository
from .settings import CloudRunSettings


class Context(BuildContext[CloudRunSettings]):
    """One build on Google Cloud."""

    @cached_property
    def apis(self) -> Mapping[str, gcp.projects.Service]:
        """Every API that the plan needs, by its short name. They stay enabled, since others may use them too."""
        return {
            api: gcp.projects.Service(
                self.logical(api),
                project=self.settings.project,
                service=f"{api}.googleapis.com",
                disable_on_destroy=False,
                opts=self.child,
            )
            for api in sorted(set(_required_apis(self.plan, self.settings)))
        }

    @property
    def labels(self) -> dict[str, str]:
        """The labels of every resource that takes them."""
        return labels(self.plan)

    def using(self, api: str, *first: pulumi.Resource, kept: bool = False) -> pulumi.ResourceOptions:
        """The options of a child that needs that API and is created after these; `kept` is for one that holds data."""
        after = self.after(self.apis[api], *first)
        keep = pulumi.ResourceOptions(retain_on_delete=True) if kept and not self.settings.destroy_data else None
        return pulumi.ResourceOptions.merge(after, keep)

    def compute(self, role: str) -> dict[str, Any]:
        """Name and options of a resource of Compute Engine."""
        return {"name": name(self.plan, role, COMPUTE), "opts": self.using("compute")}


def _required_apis(plan: Plan, settings: CloudRunSettings) -> Iterator[str]:
    yield from ("run", "iam", "secretmanager", "storage", "logging")
    if makes_repository(plan.image):
        yield "artifactregistry"
    if plan.schedules and isolated_runs(plan):
        yield "cloudscheduler"
    if plan.network.domain or settings.static_address:
        yield "compute"
    if settings.dns_zone:
        yield "dns"
