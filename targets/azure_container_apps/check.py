"""The reasons to reject a plan on Container Apps."""

from __future__ import annotations

import re
from collections.abc import Iterator

from unmoor.cron import CronError
from unmoor.errors import Problem
from unmoor.plan import ImageReference, Plan
from unmoor.quantities import cpu_text, duration_text, quote_truncated, size_text
from unmoor.target.checks import existing_secrets_problems, local_image_problems, missed_schedules_problems

from .container_sizes import gateway_total, replica_of_runs, run_profile, run_total, smallest_size
from .names import registry_server
from .settings import SECRET_ID, ContainerAppsSettings
from .sizes import MACHINES, MOST_DISK_MIB, Size, consumption_size, cpu_for_disk, disk_mib, log_days
from .utc import utc_cron

HERE = "targets.azure-container-apps"


def check(plan: Plan, settings: ContainerAppsSettings) -> list[Problem]:
    """Every reason to reject the plan; an empty list accepts it."""
    return [
        *_architecture(plan),
        *_sizes(plan, settings),
        *_disk(plan, settings),
        *_schedules(plan),
        *_logs(plan),
        *_network(settings),
        *_domain(plan, settings),
        *missed_schedules_problems(plan, by="Container Apps"),
        *local_image_problems(plan, by="Azure"),
        *_image(plan, settings),
        *existing_secrets_problems(plan, settings, target="azure-container-apps", what="its id in a Key Vault"),
        *_secret_ids(plan, settings),
    ]


def _architecture(plan: Plan) -> Iterator[Problem]:
    if plan.run.arch != "amd64":
        rule = f"Container Apps has no {plan.run.arch}"
        yield Problem("resources.arch", rule, "write amd64, or choose aws-ecs or vm-docker")


def _sizes(plan: Plan, settings: ContainerAppsSettings) -> Iterator[Problem]:
    in_process = plan.run.isolation == "process"
    if smallest_size(run_total(plan), run_profile(settings)) is None:
        yield _too_large("resources", run_total(plan), settings)
    if not in_process and consumption_size(gateway_total(plan)) is None:
        remedy = "ask for at most 4 processors and 8Gi"
        yield Problem("gateway", _no_size(gateway_total(plan), "Consumption"), remedy)
    profile = settings.workload_profile
    if profile and profile.min > profile.max:
        rule = f"min {profile.min} is above max {profile.max}"
        yield Problem(f"{HERE}.workload_profile.min", rule, "lower min or raise max")


def _too_large(path: str, asked: Size, settings: ContainerAppsSettings) -> Problem:
    if settings.workload_profile is None:
        rule = _no_size(asked, "Consumption")
        return Problem(path, rule, f"ask for less, or set {HERE}.workload_profile to a larger machine")
    machine = settings.workload_profile.type
    cpu, gib = MACHINES[machine]
    rule = f"{_no_size(asked, machine)} ({cpu} processors, {gib}Gi)"
    return Problem(path, rule, f"ask for less, or set {HERE}.workload_profile.type to a larger one")


def _no_size(asked: Size, where: str) -> str:
    size = f"{cpu_text(asked.cpu)} processors and {size_text(asked.memory_mib)}"
    return f"{where} has no room for {size}, all that runs together counted"


def _disk(plan: Plan, settings: ContainerAppsSettings) -> Iterator[Problem]:
    replica = replica_of_runs(plan, settings)
    if replica is None or plan.run.disk_mib <= disk_mib(replica.cpu):
        return
    asked, given = size_text(plan.run.disk_mib), size_text(disk_mib(replica.cpu))
    rule = f"{asked} is over the {given} that a replica of {cpu_text(replica.cpu)} processors has"
    enough = cpu_for_disk(plan.run.disk_mib)
    remedy = f"lower it to {size_text(MOST_DISK_MIB)}, or choose aws-ecs or vm-docker"
    if enough is not None:
        beside = replica.cpu - plan.run.cpu
        remedy = f"lower it, or set resources.cpu to {cpu_text(enough - beside)} or more"
    yield Problem("resources.disk", rule, remedy)


def _schedules(plan: Plan) -> Iterator[Problem]:
    """Only for jobs: the gateway's own scheduler knows every zone."""
    if plan.run.isolation == "process":
        return
    for schedule in plan.schedules:
        try:
            utc_cron(schedule)
        except CronError as error:
            path = f"triggers[{schedule.name}].schedule.timezone"
            yield Problem(path, error.rule, error.remedy)


def _logs(plan: Plan) -> Iterator[Problem]:
    if log_days(plan.retention.logs_s) is None:
        rule = f"{duration_text(plan.retention.logs_s)} is over Log Analytics' 730d"
        yield Problem("retention.logs", rule, "lower it")


def _network(settings: ContainerAppsSettings) -> Iterator[Problem]:
    if settings.zone_redundant and not settings.infrastructure_subnet_id:
        rule = "an environment is spread over zones in a network of one's own only"
        remedy = f"set {HERE}.infrastructure_subnet_id, or leave it false"
        yield Problem(f"{HERE}.zone_redundant", rule, remedy)


def _domain(plan: Plan, settings: ContainerAppsSettings) -> Iterator[Problem]:
    domain, path = plan.network.domain, f"{HERE}.certificate"
    if domain is None:
        if settings.certificate:
            rule = "certificate is for network.domain, which is not set"
            yield Problem(path, rule, "set network.domain or remove it")
        return
    if settings.certificate is None:
        remedy = f"set {path} to managed, or to the id of a Key Vault secret that holds one"
        yield Problem("network.domain", f"no certificate is named for {domain}", remedy)
    if settings.certificate == "managed" and domain.count(".") == 1:
        rule = f"a managed certificate is proved by a CNAME record, which {domain} itself cannot have"
        remedy = f"use a name below it, such as agent.{domain}, or give a Key Vault secret's id"
        yield Problem(path, rule, remedy)


def _image(plan: Plan, settings: ContainerAppsSettings) -> Iterator[Problem]:
    if not isinstance(plan.image, ImageReference):
        if settings.registry and settings.registry_login == "admin":
            rule = "the admin user is for a registry that is made, and this one exists"
            yield Problem(f"{HERE}.registry_login", rule, "write docker, and run az acr login")
        return
    server = plan.image.reference.split("/", 1)[0].lower()
    if settings.registry and server != registry_server(settings.registry):
        rule = f"{plan.image.reference} is not in {registry_server(settings.registry)}"
        yield Problem(f"{HERE}.registry", rule, "remove it, or name the image's own registry")
    if server.endswith(".azurecr.io") and not settings.registry:
        rule = f"nothing may pull from {server}"
        yield Problem("image", rule, f"set {HERE}.registry to that registry's id")


def _secret_ids(plan: Plan, settings: ContainerAppsSettings) -> Iterator[Problem]:
    for secret in plan.secrets:
        given = settings.secrets.get(secret.name)
        if secret.source == "existing" and given is not None and not re.fullmatch(SECRET_ID, given):
            rule = f"{quote_truncated(given)} is no secret's id"
            form = "/subscriptions/…/resourceGroups/…/providers/Microsoft.KeyVault/vaults/…/secrets/…"
            yield Problem(f"{HERE}.secrets.{secret.name}", rule, f"write {form}")
