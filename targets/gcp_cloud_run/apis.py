"""The APIs of the project that a plan needs."""

from __future__ import annotations

from collections.abc import Iterator

from unmoor.plan import Plan

from .container_sizes import isolated_runs
from .registries import makes_repository
from .settings import CloudRunSettings


def required_apis(plan: Plan, settings: CloudRunSettings) -> Iterator[str]:
    """The APIs by their short names."""
    yield from ("run", "iam", "secretmanager", "storage", "logging")
    if makes_repository(plan.image):
        yield "artifactregistry"
    if plan.schedules and isolated_runs(plan):
        yield "cloudscheduler"
    if plan.network.domain or settings.static_address:
        yield "compute"
    if settings.dns_zone:
        yield "dns"
