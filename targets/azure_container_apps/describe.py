"""What Container Apps makes of a plan, for people: roundings, what serves each part, guarantees, limits."""

from __future__ import annotations

from collections.abc import Iterator

from unmoor.container import STOP_GRACE_S
from unmoor.plan import ImageReference, Plan
from unmoor.quantities import cpu_text, duration_text, size_text
from unmoor.target import Adjustment, Guarantee, Limit, PartMapping

from .container_sizes import gateway_total, instances, replica_of_gateway, replica_of_runs, run_total
from .settings import ContainerAppsSettings
from .sizes import Size, days, disk_mib, log_days

DOCS = "https://learn.microsoft.com/azure/container-apps"
LIMITS = (
    Limit(topic="request time", value="240 s", source=f"{DOCS}/ingress-overview"),
    Limit(topic="run time", value="none documented; a run is given its timeout and its grace", source=f"{DOCS}/jobs"),
    Limit(topic="image platform", value="linux/amd64", source=f"{DOCS}/containers"),
    Limit(
        topic="run size",
        value="4 processors and 8 GiB on Consumption, 2 GiB for each processor, the guard counted; 32 and 256 GiB on "
        "machines of one's own",
        source=f"{DOCS}/containers#allocations",
    ),
    Limit(topic="disk", value="1 to 8 GiB, with the processors", source=f"{DOCS}/storage-mounts#ephemeral-storage"),
    Limit(
        topic="stop grace",
        value="up to 600 s for the gateway; a job's cannot be set",
        source=f"{DOCS}/application-lifecycle-management#shutdown",
    ),
    Limit(topic="schedule", value="one minute, UTC only", source=f"{DOCS}/jobs#scheduled-jobs"),
)
APP, JOB = "azure-native:app:ContainerApp", "azure-native:app:Job"


def adjustments(plan: Plan, settings: ContainerAppsSettings) -> list[Adjustment]:
    """What becomes larger than asked."""
    return [*_sizes(plan, settings), *_scale(plan), *_retention(plan)]


def _sizes(plan: Plan, settings: ContainerAppsSettings) -> Iterator[Adjustment]:
    runs, gateway = replica_of_runs(plan, settings), replica_of_gateway(plan, settings)
    if plan.run.isolation == "container":
        yield from _size("gateway", gateway_total(plan), gateway)
    yield from _size("resources", run_total(plan), runs)
    if runs is not None and disk_mib(runs.cpu) > plan.run.disk_mib:
        asked, given = size_text(plan.run.disk_mib), size_text(disk_mib(runs.cpu))
        yield Adjustment(path="resources.disk", asked=asked, given=given, why="disk comes with the processors")


def _size(path: str, asked: Size, given: Size | None) -> Iterator[Adjustment]:
    if given is not None and given != asked:
        wanted = f"{cpu_text(asked.cpu)} processors and {size_text(asked.memory_mib)} with all that runs beside it"
        size = f"{cpu_text(given.cpu)} and {size_text(given.memory_mib)}"
        yield Adjustment(path=path, asked=wanted, given=size, why="the next size that Container Apps has")


def _scale(plan: Plan) -> Iterator[Adjustment]:
    if instances(plan) > plan.gateway.min:
        why = "a mailbox is read" if plan.mailboxes else "runs live in it"
        yield Adjustment(
            path="gateway.min", asked=str(plan.gateway.min), given=str(instances(plan)), why=f"{why} unasked"
        )


def _retention(plan: Plan) -> Iterator[Adjustment]:
    kept = log_days(plan.retention.logs_s)
    if kept is not None and kept * 86400 != plan.retention.logs_s:
        why = "Log Analytics keeps whole days, 30 at least"
        asked = duration_text(plan.retention.logs_s)
        yield Adjustment(path="retention.logs", asked=asked, given=f"{kept}d", why=why)
    if plan.retention.runs_s % 86400:
        asked, given = duration_text(plan.retention.runs_s), f"{days(plan.retention.runs_s)}d"
        yield Adjustment(path="retention.runs", asked=asked, given=given, why="Blob storage counts whole days")


def part_mappings(plan: Plan, settings: ContainerAppsSettings) -> list[PartMapping]:
    """What serves each part of the plan here."""
    apart = plan.run.isolation == "container"
    runs = (JOB if apart else APP,)
    made = any(s.source != "existing" for s in plan.secrets)
    vault = ("azure-native:keyvault:Vault", "azure-native:keyvault:Secret") if made else ()
    return [
        PartMapping(part="gateway", by="container app with HTTPS ingress", types=(APP,)),
        PartMapping(part="run", by="an execution of a manual job" if apart else "in the gateway", types=runs),
        PartMapping(part="guard", by="sidecar of the run" if apart else "sidecar of the gateway", types=runs),
        _schedules(plan),
        PartMapping(part="email", by="the gateway" if plan.mailboxes else "-", types=(APP,) if plan.mailboxes else ()),
        PartMapping(part="secrets", by="Key Vault", types=vault),
        PartMapping(part="store", by="Blob container", types=("azure-native:storage:BlobContainer",)),
        PartMapping(
            part="identity",
            by="user-assigned identities",
            types=("azure-native:managedidentity:UserAssignedIdentity", "azure-native:authorization:RoleAssignment"),
        ),
        PartMapping(part="logs", by="Log Analytics", types=("azure-native:operationalinsights:Workspace",)),
        _image(plan, settings),
        _network(settings),
    ]


def _schedules(plan: Plan) -> PartMapping:
    if not plan.schedules:
        return PartMapping(part="schedules", by="-")
    if plan.run.isolation == "process":
        return PartMapping(part="schedules", by="the gateway's own scheduler", types=(APP,))
    return PartMapping(part="schedules", by="a schedule job for each, in UTC", types=(JOB,))


def _image(plan: Plan, settings: ContainerAppsSettings) -> PartMapping:
    if isinstance(plan.image, ImageReference):
        return PartMapping(part="image", by="the reference, as it is")
    registry = () if settings.registry else ("azure-native:containerregistry:Registry",)
    by = "built, kept in the registry given" if settings.registry else "built, kept in Container Registry"
    return PartMapping(part="image", by=by, types=("docker-build:index:Image", *registry))


def _network(settings: ContainerAppsSettings) -> PartMapping:
    by = "environment in your subnet" if settings.infrastructure_subnet_id else "environment in Azure's network"
    return PartMapping(part="network", by=by, types=("azure-native:app:ManagedEnvironment",))


def guarantees(plan: Plan, settings: ContainerAppsSettings) -> list[Guarantee]:
    """What Container Apps promises for this plan."""
    apart = plan.run.isolation == "container"
    return [_model_key(apart), _egress(), _apart(apart), *_platform(settings), _missed(apart), _scale_to_zero(plan)]


def _egress() -> Guarantee:
    return Guarantee(
        topic="a run reaches only its egress list",
        strength="advisory",
        by="the guard keeps the list; nothing but Landlock, where the host's kernel has it, keeps a run from going "
        "around the guard",
    )


def _apart(apart: bool) -> Guarantee:
    by = "runs share the gateway's container"
    if apart:
        by = "an execution with containers of its own; its identity is for all runs of this agent in the store"
    return Guarantee(
        topic="one run cannot see another",
        strength="enforced" if apart else "advisory",
        by=by,
        source=f"{DOCS}/jobs" if apart else "",
    )


def _platform(settings: ContainerAppsSettings) -> list[Guarantee]:
    return [
        Guarantee(
            topic="the run's file system outside its workspace is read-only",
            strength="absent",
            by="Container Apps has no read-only root; the image's own user keeps most of it from being written",
            source=f"{DOCS}/containers",
        ),
        Guarantee(
            topic="everything public is served by TLS",
            strength="enforced",
            by="ingress with HTTPS only; HTTP is redirected",
            source=f"{DOCS}/ingress-overview",
        ),
        Guarantee(
            topic="data survives deletion of the stack",
            strength="absent" if settings.destroy_data else "enforced",
            by="destroy_data is set" if settings.destroy_data else "the storage account and its group are retained",
        ),
    ]


def _missed(apart: bool) -> Guarantee:
    return Guarantee(
        topic="a missed schedule",
        strength="absent" if apart else "advisory",
        by="is not made up for" if apart else "is made up for as schedule.missed says",
        source=f"{DOCS}/jobs#scheduled-jobs" if apart else "",
    )


def _model_key(apart: bool) -> Guarantee:
    by = "only the guard's container is given it, by an identity that no container can ask a token of"
    if apart:
        by += "; but Azure lets whoever may start a job say what is in it, so the gateway is trusted with that"
    return Guarantee(
        topic="the run cannot read the model key",
        strength="enforced",
        by=by,
        source=f"{DOCS}/managed-identity#control-managed-identity-availability",
    )


def _scale_to_zero(plan: Plan) -> Guarantee:
    topic = "the gateway scales to zero"
    if instances(plan):
        return Guarantee(topic=topic, strength="absent", by=f"{instances(plan)} is kept")
    by = f"a request wakes it; it ends {STOP_GRACE_S} s after it is told to"
    return Guarantee(topic=topic, strength="enforced", by=by, source=f"{DOCS}/scale-app")
