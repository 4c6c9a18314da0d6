"""The project's APIs: those that the plan needs, switched on and never off, since others may use them as well."""

from __future__ import annotations

from collections.abc import Iterator

import pulumi
import pulumi_gcp as gcp

from unmoor.plan import Plan

from .container_sizes import isolated_runs
from .registries import makes_repository
from .settings import CloudRunSettings


def apis(
    name: str, plan: Plan, settings: CloudRunSettings, child: pulumi.ResourceOptions
) -> dict[str, gcp.projects.Service]:
    """Every API that is needed, by its short name."""
    return {
        api: gcp.projects.Service(
            f"{name}-{api}",
            project=settings.project,
            service=f"{api}.googleapis.com",
            disable_on_destroy=False,
            opts=child,
        )
        for api in sorted(set(_needed(plan, settings)))
    }


def _needed(plan: Plan, settings: CloudRunSettings) -> Iterator[str]:
    yield from ("run", "iam", "secretmanager", "storage", "logging")
    if makes_repository(plan.image):
        yield "artifactregistry"
    if plan.schedules and isolated_runs(plan):
        yield "cloudscheduler"
    if plan.network.domain or settings.static_address:
        yield "compute"
    if settings.dns_zone:
        yield "dns"
