"""The reasons to reject a plan on Container Apps."""

from __future__ import annotations

from collections.abc import Iterator

from unmoor.cron import CronError
from unmoor.errors import Problem
from unmoor.plan import ImageReference, Plan
from unmoor.quantities import cpu_text, size_text
from unmoor.target.checks import (
    architecture_problems,
    existing_secrets_problems,
    local_image_problems,
    log_retention_problems,
    missed_schedules_problems,
    unused_domain_settings,
)
from unmoor.target.regions import region_problems

from .container_sizes import gateway_total, replica_of_runs, run_profile, run_total, smallest_size
from .names import registry_server
from .regions import REGIONS
from .settings import SECRET_ID, ContainerAppsSettings
from .sizes import MACHINES, MOST_DISK_MIB, Size, consumption_size, cpu_for_disk, disk_mib, log_days
from .utc import utc_cron

NAME = "azure-container-apps"
HERE = f"targets.{NAME}"
SECRET_FORM = "/subscriptions/…/resourceGroups/…/providers/Microsoft.KeyVault/vaults/…/secrets/…"


def check(plan: Plan, settings: ContainerAppsSettings) -> list[Problem]:
    """Every reason to reject the plan; an empty list accepts it."""
    id_ = {"what": "its id in a Key Vault", "remedy": f"write {SECRET_FORM}"}
    return [
        *region_problems(settings.location, REGIONS, path=f"{HERE}.location"),
        *architecture_problems(plan, by="Container Apps"),
        *_sizes(plan, settings),
        *_disk(plan, settings),
        *_schedules(plan),
        *log_retention_problems(plan, log_days(plan.retention.logs_s), limit="Log Analytics' 730d"),
        *_network(settings),
        *unused_domain_settings(plan, settings, "certificate", target=NAME),
        *_environment(plan, settings),
        *_domain(plan, settings),
        *missed_schedules_problems(plan, by="Container Apps"),
        *local_image_problems(plan, by="Azure"),
        *_image(plan, settings),
        *existing_secrets_problems(plan, settings, target=NAME, pattern=SECRET_ID, **id_),
    ]


def _sizes(plan: Plan, settings: ContainerAppsSettings) -> Iterator[Problem]:
    if smallest_size(run_total(plan), run_profile(settings)) is None:
        yield _too_large("resources", run_total(plan), settings)
    if plan.run.isolation == "container" and consumption_size(gateway_total(plan)) is None:
        yield Problem("gateway", _no_size(gateway_total(plan), "Consumption"), "request at most 4 vCPU and 8Gi")
    profile = settings.workload_profile
    if profile and profile.min > profile.max:
        rule = f"min {profile.min} is above max {profile.max}"
        yield Problem(f"{HERE}.workload_profile.min", rule, "lower min or raise max")


def _too_large(path: str, request: Size, settings: ContainerAppsSettings) -> Problem:
    if settings.workload_profile is None:
        remedy = f"request less, or set {HERE}.workload_profile to a larger machine"
        return Problem(path, _no_size(request, "Consumption"), remedy)
    machine = settings.workload_profile.type
    cpu, gib = MACHINES[machine]
    rule = f"{_no_size(request, machine)} ({cpu} processors, {gib}Gi)"
    return Problem(path, rule, f"request less, or set {HERE}.workload_profile.type to a larger one")


def _no_size(request: Size, where: str) -> str:
    size = f"{cpu_text(request.cpu)} vCPU and {size_text(request.memory_mib)}"
    return f"{where} has no room for {size} including sidecars"


def _disk(plan: Plan, settings: ContainerAppsSettings) -> Iterator[Problem]:
    replica = replica_of_runs(plan, settings)
    if replica is None or plan.run.disk_mib <= disk_mib(replica.cpu):
        return
    size, limit = size_text(plan.run.disk_mib), size_text(disk_mib(replica.cpu))
    rule = f"{size} is over the {limit} of a replica with {cpu_text(replica.cpu)} processors"
    remedy = f"lower it to {size_text(MOST_DISK_MIB)}, or choose aws-ecs or vm-docker"
    if (enough := cpu_for_disk(plan.run.disk_mib)) is not None:
        sidecars = replica.cpu - plan.run.cpu
        remedy = f"lower it, or set resources.cpu to {cpu_text(enough - sidecars)} or more"
    yield Problem("resources.disk", rule, remedy)


def _schedules(plan: Plan) -> Iterator[Problem]:
    """Only for jobs: the gateway's own scheduler knows every zone."""
    for schedule in plan.schedules if plan.run.isolation == "container" else ():
        try:
            utc_cron(schedule)
        except CronError as error:
            yield Problem(f"triggers[{schedule.name}].schedule.timezone", error.rule, error.remedy)


def _network(settings: ContainerAppsSettings) -> Iterator[Problem]:
    if settings.zone_redundant and not settings.infrastructure_subnet_id:
        rule = "only an environment in your own subnet can be zone-redundant"
        yield Problem(f"{HERE}.zone_redundant", rule, f"set {HERE}.infrastructure_subnet_id, or leave it false")


def _environment(plan: Plan, settings: ContainerAppsSettings) -> Iterator[Problem]:
    """What belongs to an environment cannot be set for a shared one."""
    if not settings.environment_id:
        return
    for field in ("infrastructure_subnet_id", "zone_redundant", "workload_profile", "logs_daily_gb"):
        if getattr(settings, field):
            yield Problem(f"{HERE}.{field}", "it belongs to the environment, which is shared", "remove it")
    if plan.network.domain:
        rule = "the certificate of a domain belongs to the environment, which is shared"
        yield Problem("network.domain", rule, f"remove it, or remove {HERE}.environment_id")


def _domain(plan: Plan, settings: ContainerAppsSettings) -> Iterator[Problem]:
    domain, path = plan.network.domain, f"{HERE}.certificate"
    if domain and settings.certificate is None:
        remedy = f"set {path} to managed, or to the id of a Key Vault secret that contains one"
        yield Problem("network.domain", f"there is no certificate for {domain}", remedy)
    if domain and settings.certificate == "managed" and domain.count(".") == 1:
        rule = f"a managed certificate is validated by a CNAME record, which {domain} itself cannot have"
        remedy = f"use a name below it, such as agent.{domain}, or a Key Vault secret's id"
        yield Problem(path, rule, remedy)


def _image(plan: Plan, settings: ContainerAppsSettings) -> Iterator[Problem]:
    if not isinstance(plan.image, ImageReference):
        return
    server = plan.image.reference.split("/", 1)[0].lower()
    if settings.registry and server != registry_server(settings.registry):
        rule = f"{plan.image.reference} is not in {registry_server(settings.registry)}"
        yield Problem(f"{HERE}.registry", rule, "remove it, or set it to the image's registry")
    if server.endswith(".azurecr.io") and not settings.registry:
        yield Problem("image", f"no identity may pull from {server}", f"set {HERE}.registry to that registry's id")
