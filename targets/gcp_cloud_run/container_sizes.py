"""The size and scratch space of each container, and the numbers of instances."""

from __future__ import annotations

import math
from decimal import Decimal

from unmoor.plan import Plan

from .settings import CloudRunSettings
from .sizes import Size, cloud_run_size, disk_gib

# Streams of one run through the guard, and the capacity of one guard.
STREAMS_OF_A_RUN = 20
STREAMS_OF_A_GUARD = 200


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


def guard_request(plan: Plan) -> tuple[Decimal, int]:
    """Processors and MiB that the guard's container needs."""
    return plan.guard.cpu, plan.guard.memory_mib


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


def guard_instances(plan: Plan) -> int:
    """The greatest number of guards: enough for all runs' streams, and one more for a rollout."""
    return math.ceil(plan.run.max_concurrent * STREAMS_OF_A_RUN / STREAMS_OF_A_GUARD) + 1


def _scratch_in_memory(plan: Plan, settings: CloudRunSettings) -> int:
    return plan.run.disk_mib if settings.disk == "memory" else 0
