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
    """The least number of gateways: at least one for work that cannot wait for a start.

    A start from zero takes about 22 s (https://github.com/microsoft/azure-container-apps/issues/997); GitHub ends a
    delivery after 10 s and does not repeat it (https://docs.github.com/webhooks/using-webhooks/handling-failed-webhook-deliveries).
    """
    return max(plan.gateway.min, 1 if why_always_on(plan) else 0)


def why_always_on(plan: Plan) -> str:
    """The reason that the gateway cannot scale to zero; empty if it can."""
    if plan.run.isolation == "process":
        return "runs are processes in it"
    if plan.mailboxes:
        return "a sleeping gateway reads no mailbox"
    return "a start takes about 22 s, and senders of webhooks give up after 3 to 10 s" if plan.webhooks else ""
