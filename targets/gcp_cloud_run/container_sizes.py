"""What each container of a plan comes to: its size, its scratch space, and how many instances are kept."""

from __future__ import annotations

import math
from decimal import Decimal

from unmoor.plan import Plan

from .settings import CloudRunSettings
from .sizes import Size, cloud_run_size, disk_gib

# Streams of one run through the guard, and how many of them one guard takes.
STREAMS_OF_A_RUN = 20
STREAMS_OF_A_GUARD = 200


def isolated_runs(plan: Plan) -> bool:
    """Whether each run has a container of its own."""
    return plan.run.isolation == "container"


def run_request(plan: Plan, settings: CloudRunSettings) -> tuple[Decimal, int]:
    """Processors and MiB that a run's container needs."""
    return plan.run.cpu, plan.run.memory_mib + _scratch_in_memory(plan, settings)


def service_request(plan: Plan, settings: CloudRunSettings) -> tuple[Decimal, int]:
    """Processors and MiB that the gateway's container needs; one run's size is part of it where runs live there."""
    scratch = 0 if isolated_runs(plan) else _scratch_in_memory(plan, settings)
    return plan.service_cpu, plan.service_memory_mib + scratch


def guard_request(plan: Plan) -> tuple[Decimal, int]:
    """Processors and MiB that the guard's container needs."""
    return plan.guard.cpu, plan.guard.memory_mib


def smallest_legal_size(wanted: tuple[Decimal, int]) -> Size:
    """The size that Cloud Run has for it."""
    size = cloud_run_size(*wanted)
    assert size is not None, "check() refuses what has no size"
    return size


def disk_mib(plan: Plan, settings: CloudRunSettings) -> int:
    """A run's scratch space: a whole disk, or just what was asked for in memory."""
    return disk_gib(plan.run.disk_mib) * 1024 if settings.disk == "disk" else plan.run.disk_mib


def instances(plan: Plan) -> int:
    """How many gateways are kept: one at least where there is work that no request begins."""
    return max(plan.gateway.min, 1 if has_cpu_between_requests(plan) else 0)


def has_cpu_between_requests(plan: Plan) -> bool:
    """Whether the gateway works between requests: runs live in it, or it reads mailboxes."""
    return not isolated_runs(plan) or bool(plan.mailboxes)


def guard_instances(plan: Plan) -> int:
    """How many guards there may be: enough for every run's streams, and one more while another is replaced."""
    return math.ceil(plan.run.max_concurrent * STREAMS_OF_A_RUN / STREAMS_OF_A_GUARD) + 1


def _scratch_in_memory(plan: Plan, settings: CloudRunSettings) -> int:
    return plan.run.disk_mib if settings.disk == "memory" else 0
