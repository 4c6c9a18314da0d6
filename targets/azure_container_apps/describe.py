"""What Container Apps makes of a plan, for people: adjustments, parts, guarantees, limits."""

from __future__ import annotations

from collections.abc import Iterator

from unmoor.container import STOP_GRACE_S
from unmoor.plan import ImageReference, Plan
from unmoor.quantities import cpu_text, duration_text, size_text
from unmoor.target import Adjustment, Guarantee, Limit, PartMapping
from unmoor.target.description import (
    MISSED_BY_GATEWAY,
    SHARED_CONTAINER,
    Promise,
    adjustment,
    data_promise,
    describe_guarantees,
    describe_parts,
    retention_adjustment,
    run_retention_adjustment,
    size_adjustment,
)

from .container_sizes import gateway_total, instances, replica_of_gateway, replica_of_runs, run_total, why_always_on
from .settings import ContainerAppsSettings
from .sizes import Size, disk_mib, log_days

DOCS = "https://learn.microsoft.com/azure/container-apps"
SIZES = (
    "4 vCPU and 8 GiB on Consumption, 2 GiB for each processor, including the guard; 32 and 256 GiB on dedicated "
    "machines"
)
GRACE = "up to 600 s for the gateway; a job's cannot be set"
LIMITS = (
    Limit("request time", "240 s", f"{DOCS}/ingress-overview"),
    Limit("run time", "none documented; a run gets its timeout and 15 minutes more", f"{DOCS}/jobs"),
    Limit("image platform", "linux/amd64", f"{DOCS}/containers"),
    Limit("run size", SIZES, f"{DOCS}/containers#allocations"),
    Limit("disk", "1 to 8 GiB, with the processors", f"{DOCS}/storage-mounts#ephemeral-storage"),
    Limit("stop grace", GRACE, f"{DOCS}/application-lifecycle-management#shutdown"),
    Limit("schedule", "one minute, UTC only", f"{DOCS}/jobs#scheduled-jobs"),
)
APP, JOB = "azure-native:app:ContainerApp", "azure-native:app:Job"


def adjustments(plan: Plan, settings: ContainerAppsSettings) -> list[Adjustment]:
    """The requested values that Container Apps replaces."""
    return [*_sizes(plan, settings), *_scale(plan), *_retention(plan, settings)]


def _sizes(plan: Plan, settings: ContainerAppsSettings) -> Iterator[Adjustment]:
    runs, gateway = replica_of_runs(plan, settings), replica_of_gateway(plan, settings)
    if plan.run.isolation == "container":
        yield from _size("gateway", gateway_total(plan), gateway)
    yield from _size("resources", run_total(plan), runs)
    if runs is not None:
        given = max(disk_mib(runs.cpu), plan.run.disk_mib)
        yield from size_adjustment("resources.disk", plan.run.disk_mib, given, "disk comes with the processors")


def _size(path: str, asked: Size, given: Size | None) -> Iterator[Adjustment]:
    if given is not None and given != asked:
        requested = f"{cpu_text(asked.cpu)} vCPU and {size_text(asked.memory_mib)} including sidecars"
        size = f"{cpu_text(given.cpu)} and {size_text(given.memory_mib)}"
        yield Adjustment(path, requested, size, "the next size that Container Apps has")


def _scale(plan: Plan) -> Iterator[Adjustment]:
    yield from adjustment("gateway.min", str(plan.gateway.min), str(instances(plan)), why_always_on(plan))


def _retention(plan: Plan, settings: ContainerAppsSettings) -> Iterator[Adjustment]:
    logs = plan.retention.logs_s
    if settings.environment_id:
        why = "logs go where the shared environment sends them"
        yield Adjustment("retention.logs", duration_text(logs), "the environment's", why)
    else:
        yield from _log_retention(logs)
    yield from run_retention_adjustment(plan.retention.runs_s, "Blob storage counts whole days")


def _log_retention(logs: int) -> Iterator[Adjustment]:
    yield from retention_adjustment(
        "retention.logs", logs, log_days(logs), "Log Analytics counts whole days, at least 30"
    )


def part_mappings(plan: Plan, settings: ContainerAppsSettings) -> list[PartMapping]:
    """What serves each part of the plan."""
    isolated = plan.run.isolation == "container"
    runs = JOB if isolated else APP
    created = any(s.source != "existing" for s in plan.secrets)
    vault = ("azure-native:keyvault:Vault", "azure-native:keyvault:Secret") if created else ()
    return describe_parts(
        gateway=("container app with HTTPS ingress", APP),
        run=("an execution of a manual job" if isolated else "in the gateway", runs),
        guard=("sidecar of the run" if isolated else "sidecar of the gateway", runs),
        schedules=_schedules(plan),
        email=("the gateway", APP) if plan.mailboxes else "-",
        secrets=("Key Vault", *vault),
        store=("Blob container", "azure-native:storage:BlobContainer"),
        identity=(
            "user-assigned identities",
            "azure-native:managedidentity:UserAssignedIdentity",
            "azure-native:authorization:RoleAssignment",
        ),
        logs=_logs(settings),
        image=_image(plan, settings),
        network=_network(settings),
    )


def _logs(settings: ContainerAppsSettings) -> str | tuple[str, ...]:
    if settings.environment_id:
        return "where your environment sends them"
    return "Log Analytics", "azure-native:operationalinsights:Workspace"


def _network(settings: ContainerAppsSettings) -> str | tuple[str, ...]:
    if settings.environment_id:
        return "your environment"
    where = "your subnet" if settings.infrastructure_subnet_id else "Azure's network"
    return f"environment in {where}", "azure-native:app:ManagedEnvironment"


def _schedules(plan: Plan) -> str | tuple[str, ...]:
    if not plan.schedules:
        return "-"
    if plan.run.isolation == "process":
        return "the gateway's own scheduler", APP
    return "a scheduled job for each, in UTC", JOB


def _image(plan: Plan, settings: ContainerAppsSettings) -> str | tuple[str, ...]:
    if isinstance(plan.image, ImageReference):
        return "the reference, unchanged"
    if settings.registry:
        return "built and pushed to your registry", "docker-build:index:Image"
    registry = "azure-native:containerregistry:Registry"
    return "built and pushed to Container Registry", "docker-build:index:Image", registry


def guarantees(plan: Plan, settings: ContainerAppsSettings) -> list[Guarantee]:
    """What Container Apps promises for this plan."""
    isolated = plan.run.isolation == "container"
    return describe_guarantees(
        model_key=_model_key(isolated=isolated),
        egress=(
            "advisory",
            "the guard checks the list; only the sandbox forces runs through the guard, as far as the kernel lets it, "
            "which each run records: Microsoft publishes no kernel",
        ),
        isolation=(
            "enforced",
            "each run has its own execution; all runs of this agent share an identity for the store",
            f"{DOCS}/jobs",
        )
        if isolated
        else SHARED_CONTAINER,
        read_only=(
            "absent",
            "Container Apps has no read-only root; most of it is not writable for the image's user",
            f"{DOCS}/containers",
        ),
        tls=("enforced", "ingress with HTTPS only; HTTP redirects", f"{DOCS}/ingress-overview"),
        data=data_promise(settings, "the storage account and its group are"),
        missed=("absent", "it is skipped", f"{DOCS}/jobs#scheduled-jobs") if isolated else MISSED_BY_GATEWAY,
        scale_to_zero=_scale_to_zero(plan),
    )


def _model_key(*, isolated: bool) -> Promise:
    by = "only the guard's container receives it, through an identity whose tokens no container can get"
    if isolated:
        by += "; Azure lets anyone who may start a job change its containers, so the gateway is trusted with it"
    return "enforced", by, f"{DOCS}/managed-identity#control-managed-identity-availability"


def _scale_to_zero(plan: Plan) -> Promise:
    if instances(plan):
        return "absent", f"at least {instances(plan)} runs"
    return "enforced", f"a request wakes it; it ends {STOP_GRACE_S} s after the stop signal", f"{DOCS}/scale-app"
