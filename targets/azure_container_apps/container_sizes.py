"""The sizes of a plan's replicas, containers added up."""

from __future__ import annotations

from unmoor.plan import Plan

from .settings import ContainerAppsSettings
from .sizes import Size, consumption_size, dedicated_size


def guard_size(plan: Plan) -> Size:
    return Size(cpu=plan.guard.cpu, memory_mib=plan.guard.memory_mib)


def run_total(plan: Plan) -> Size:
    """The size requested for a replica with a run: run and guard, and the gateway if runs are processes in it."""
    cpu, memory_mib = plan.run.cpu, plan.run.memory_mib
    if plan.run.isolation == "process":
        cpu, memory_mib = plan.service_cpu, plan.service_memory_mib
    return Size(cpu=cpu + plan.guard.cpu, memory_mib=memory_mib + plan.guard.memory_mib)


def gateway_total(plan: Plan) -> Size:
    """The size requested for a replica of the gateway."""
    if plan.run.isolation == "process":
        return run_total(plan)
    return Size(cpu=plan.gateway.cpu, memory_mib=plan.gateway.memory_mib)


def run_profile(settings: ContainerAppsSettings) -> str:
    """The machine type of runs; empty for Consumption."""
    return settings.workload_profile.type if settings.workload_profile else ""


def smallest_size(request: Size, machine: str) -> Size | None:
    """The size that holds the request on that machine type, or None."""
    return dedicated_size(request, machine) if machine else consumption_size(request)


def replica_of_runs(plan: Plan, settings: ContainerAppsSettings) -> Size | None:
    """The size of a replica with a run, or None if nothing is large enough."""
    return smallest_size(run_total(plan), run_profile(settings))


def replica_of_gateway(plan: Plan, settings: ContainerAppsSettings) -> Size | None:
    """The size of a replica of the gateway, or None if nothing is large enough."""
    if plan.run.isolation == "process":
        return replica_of_runs(plan, settings)
    return consumption_size(gateway_total(plan))


def instances(plan: Plan) -> int:
    """The least number of gateways: at least one for mailboxes, or for runs as processes."""
    return max(plan.gateway.min, 1 if plan.mailboxes or plan.run.isolation == "process" else 0)
