"""The size and scratch space of each container, and the numbers of instances."""

from __future__ import annotations

from decimal import Decimal

from unmoor.plan import Plan

from .settings import CloudRunSettings
from .sizes import Size, cloud_run_size, disk_gib, one_request_size

# A guard's instance serves one run, whose connections share one request: half the processors that the plan has for the
# streams of several runs carry those of one. A pipe of 64 MB through a guard takes 0.1 s of a processor.
SHARE_OF_A_RUN = Decimal("0.5")
# A run's link is renewed within the hour after which Cloud Run ends a request; the old one ends with its connections.
LINKS_OF_A_RUN = 2


def isolated_runs(plan: Plan) -> bool:
    """Whether each run has its own container."""
    return plan.run.isolation == "container"


def run_request(plan: Plan, settings: CloudRunSettings) -> tuple[Decimal, int]:
    """Processors and MiB that a run's container needs."""
    return plan.run.cpu, plan.run.memory_mib + _scratch_in_memory(plan, settings)


def service_request(plan: Plan, settings: CloudRunSettings) -> tuple[Decimal, int]:
    """Processors and MiB that the gateway's container needs, including one run if runs are processes in it."""
    scratch = 0 if isolated_runs(plan) else _scratch_in_memory(plan, settings)
    return plan.service_cpu, plan.service_memory_mib + scratch


def smallest_legal_size(request: tuple[Decimal, int]) -> Size:
    """The smallest size of Cloud Run that holds the request."""
    size = cloud_run_size(*request)
    assert size is not None, "check() refuses what has no size"
    return size


def disk_mib(plan: Plan, settings: CloudRunSettings) -> int:
    """A run's scratch space: a disk in whole GiB, or memory."""
    return disk_gib(plan.run.disk_mib) * 1024 if settings.disk == "disk" else plan.run.disk_mib


def instances(plan: Plan) -> int:
    """The least number of gateways: at least one if it works between requests."""
    return max(plan.gateway.min, 1 if has_cpu_between_requests(plan) else 0)


def has_cpu_between_requests(plan: Plan) -> bool:
    """Whether the gateway works between requests, for runs as processes or for mailboxes."""
    return not isolated_runs(plan) or bool(plan.mailboxes)


def guard_size(plan: Plan) -> Size:
    """The size of a guard's instance, which serves one run."""
    return one_request_size(plan.guard.cpu * SHARE_OF_A_RUN, plan.guard.memory_mib)


def guard_instances(plan: Plan) -> int:
    """The greatest number of guards: one for each link of each run, and one that starts when another ends."""
    return plan.run.max_concurrent * LINKS_OF_A_RUN + 1


def _scratch_in_memory(plan: Plan, settings: CloudRunSettings) -> int:
    return plan.run.disk_mib if settings.disk == "memory" else 0
