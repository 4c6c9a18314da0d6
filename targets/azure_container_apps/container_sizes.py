"""How large the replicas of a plan are: what runs together is counted together."""

from __future__ import annotations

from unmoor.plan import Plan

from .settings import ContainerAppsSettings
from .sizes import Size, consumption_size, dedicated_size


def guard_size(plan: Plan) -> Size:
    """What the guard's container is given."""
    return Size(cpu=plan.guard.cpu, memory_mib=plan.guard.memory_mib)


def run_total(plan: Plan) -> Size:
    """What a replica with a run in it asks for: the run and the guard, and the gateway where runs live in it."""
    cpu, memory_mib = plan.run.cpu, plan.run.memory_mib
    if plan.run.isolation == "process":
        cpu, memory_mib = plan.service_cpu, plan.service_memory_mib
    return Size(cpu=cpu + plan.guard.cpu, memory_mib=memory_mib + plan.guard.memory_mib)


def gateway_total(plan: Plan) -> Size:
    """What a replica of the gateway asks for; where runs live in it, they are in it."""
    if plan.run.isolation == "process":
        return run_total(plan)
    return Size(cpu=plan.gateway.cpu, memory_mib=plan.gateway.memory_mib)


def run_profile(settings: ContainerAppsSettings) -> str:
    """The kind of machine that runs are on, or nothing for Consumption."""
    return settings.workload_profile.type if settings.workload_profile else ""


def smallest_size(asked: Size, machine: str) -> Size | None:
    """The size that holds the request on that kind of machine, or None."""
    return dedicated_size(asked, machine) if machine else consumption_size(asked)


def replica_of_runs(plan: Plan, settings: ContainerAppsSettings) -> Size | None:
    """The size of a replica with a run in it, or None where nothing is large enough."""
    return smallest_size(run_total(plan), run_profile(settings))


def replica_of_gateway(plan: Plan, settings: ContainerAppsSettings) -> Size | None:
    """The size of a replica of the gateway, or None where nothing is large enough."""
    if plan.run.isolation == "process":
        return replica_of_runs(plan, settings)
    return consumption_size(gateway_total(plan))


def instances(plan: Plan) -> int:
    """How many gateways are kept: one at least where it must work unasked, for mailboxes, or for runs inside it."""
    return max(plan.gateway.min, 1 if plan.mailboxes or plan.run.isolation == "process" else 0)
