"""The reasons to reject a plan on Cloud Run."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from unmoor.errors import Problem
from unmoor.plan import Plan
from unmoor.quantities import cpu_text, duration_text, size_text
from unmoor.target.checks import (
    architecture_problems,
    existing_secrets_problems,
    local_image_problems,
    log_retention_problems,
    missed_schedules_problems,
    unused_domain_settings,
)
from unmoor.target.regions import region_problems

from .container_sizes import isolated_runs, run_request, service_request
from .regions import REGIONS
from .settings import SECRET_ID, CloudRunSettings
from .sizes import MOST_LOG_DAYS, MOST_TASK_S, cloud_run_size, disk_gib, log_days

NAME = "gcp-cloud-run"
HERE = f"targets.{NAME}"


def check(plan: Plan, settings: CloudRunSettings) -> list[Problem]:
    """Every reason to reject the plan; an empty list accepts it."""
    id_ = {"what": "projects/P/secrets/S", "remedy": "write projects/P/secrets/S, and /versions/N to pin its value"}
    return [
        *region_problems(settings.region, REGIONS, path=f"{HERE}.region"),
        *architecture_problems(plan, by="Cloud Run"),
        *_sizes(plan, settings),
        *_disk(plan, settings),
        *_timeout(plan),
        *log_retention_problems(plan, log_days(plan.retention.logs_s), limit=f"Cloud Logging's {MOST_LOG_DAYS}d"),
        *missed_schedules_problems(plan, by="Cloud Scheduler"),
        *local_image_problems(plan, by="Google Cloud"),
        *_network(settings),
        *unused_domain_settings(plan, settings, "dns_zone", target=NAME),
        *existing_secrets_problems(plan, settings, target=NAME, pattern=SECRET_ID, **id_),
    ]


def _sizes(plan: Plan, settings: CloudRunSettings) -> Iterator[Problem]:
    if isolated_runs(plan):
        yield from _size("resources", *run_request(plan, settings))
    yield from _size("gateway", *service_request(plan, settings))


def _size(path: str, cpu: Decimal, memory_mib: int) -> Iterator[Problem]:
    if cloud_run_size(cpu, memory_mib) is None:
        rule = f"Cloud Run has no size for {cpu_text(cpu)} vCPU and {size_text(memory_mib)} in all"
        yield Problem(path, rule, "request at most 8 and 32Gi")


def _disk(plan: Plan, settings: CloudRunSettings) -> Iterator[Problem]:
    needed = disk_gib(plan.run.disk_mib)
    if settings.disk == "disk" and needed > settings.disk_quota_gib:
        rule = f"{size_text(plan.run.disk_mib)} is over an instance's quota of {settings.disk_quota_gib}Gi"
        remedy = f"lower it, or have Google raise the quota and set {HERE}.disk_quota_gib to {needed}"
        yield Problem("resources.disk", rule, remedy)


def _timeout(plan: Plan) -> Iterator[Problem]:
    if isolated_runs(plan) and plan.run.timeout_s > MOST_TASK_S:
        rule = f"{duration_text(plan.run.timeout_s)} is over a job's 7d"
        yield Problem("run.timeout", rule, "lower it, or choose aws-ecs or vm-docker")


def _network(settings: CloudRunSettings) -> Iterator[Problem]:
    existing = settings.network or settings.subnetwork
    if settings.static_address and existing and not (settings.network and settings.subnetwork):
        missing = "subnetwork" if settings.network else "network"
        rule = f"a NAT needs both, and {missing} is not set"
        yield Problem(f"{HERE}.{missing}", rule, "set it, or remove the other to get new ones")
    if settings.vpc_egress and not (existing or settings.static_address):
        rule = "vpc_egress requires a network"
        yield Problem(f"{HERE}.vpc_egress", rule, "remove it, or set network and subnetwork")
    if settings.static_address and settings.vpc_egress == "private-ranges-only":
        rule = "public traffic would not leave from the static address"
        yield Problem(f"{HERE}.vpc_egress", rule, "remove it, or write all-traffic")
