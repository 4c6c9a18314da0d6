"""The reasons to reject a plan on ECS."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from unmoor.cron import parse
from unmoor.errors import Problem
from unmoor.plan import Plan
from unmoor.quantities import cpu_text, size_text
from unmoor.target.checks import (
    existing_secrets_problems,
    local_image_problems,
    log_retention_problems,
    missed_schedules_problems,
    unused_domain_settings,
)
from unmoor.target.regions import region_problems

from .describe import service_memory_mib
from .regions import REGIONS
from .settings import UNSUPPORTED_ZONE_IDS, EcsSettings
from .sizes import MOST_DISK_GIB, disk_gib, fargate_size, log_days

NAME = "aws-ecs"
HERE = f"targets.{NAME}"
# With the key of a JSON document, a version's stage or its id, as ECS takes it:
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html
SECRET_ARN = (
    r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}"
    r"(:[^:\s]*:[^:\s]*:[^:\s]*)?"
)


def check(plan: Plan, settings: EcsSettings) -> list[Problem]:
    """Every reason to reject the plan; an empty list accepts it."""
    whole = "write the whole ARN, including the six characters at its end"
    arn = {"what": "its Secrets Manager ARN", "remedy": f"{whole}; :KEY:: after it takes one key of a JSON secret"}
    return [
        *region_problems(settings.region, REGIONS, path=f"{HERE}.region"),
        *_sizes(plan),
        *_schedules(plan),
        *log_retention_problems(plan, log_days(plan.retention.logs_s), limit="CloudWatch's 3653d"),
        *_network(settings),
        *_secret_keys(plan, settings),
        *unused_domain_settings(plan, settings, "hosted_zone_id", "certificate", target=NAME),
        *_front(plan, settings),
        *missed_schedules_problems(plan, by="EventBridge Scheduler"),
        *local_image_problems(plan, by="Fargate"),
        *existing_secrets_problems(plan, settings, target=NAME, pattern=SECRET_ARN, **arn),
    ]


def _sizes(plan: Plan) -> Iterator[Problem]:
    yield from _size("resources", plan.run.cpu, plan.run.memory_mib + plan.guard.memory_mib)
    yield from _size("gateway", plan.service_cpu, service_memory_mib(plan))
    if disk_gib(plan.run.disk_mib) > MOST_DISK_GIB:
        rule = f"{size_text(plan.run.disk_mib)} is over Fargate's {MOST_DISK_GIB}Gi"
        yield Problem("resources.disk", rule, "lower it, or choose vm-docker")


def _size(path: str, cpu: Decimal, memory_mib: int) -> Iterator[Problem]:
    if fargate_size(cpu, memory_mib) is None:
        rule = f"Fargate has no size for {cpu_text(cpu)} vCPU and {size_text(memory_mib)} including sidecars"
        yield Problem(path, rule, "request at most 16 and 119Gi")


def _schedules(plan: Plan) -> Iterator[Problem]:
    """EventBridge requires `?` in one of the two day fields, so it cannot combine them with `or`."""
    for schedule in plan.schedules if plan.run.isolation == "container" else ():
        cron = parse(schedule.cron)
        if not (cron.any_day or cron.any_weekday):
            rule = "EventBridge Scheduler cannot combine a day of the month with a day of the week"
            yield Problem(f"triggers[{schedule.name}].schedule.cron", rule, "write two triggers, one with each")


def _network(settings: EcsSettings) -> Iterator[Problem]:
    if settings.vpc and len(settings.subnets) < 2:
        rule = f"{settings.vpc} needs at least two subnets, not {len(settings.subnets)}"
        yield Problem(f"{HERE}.subnets", rule, "add subnets in different zones")
    if not settings.vpc and (settings.subnets or settings.front_subnets):
        yield Problem(f"{HERE}.subnets", "subnets require their VPC", f"add {HERE}.vpc")
    if not settings.vpc and not settings.gives_public_ip:
        rule = "the new VPC has public subnets and no NAT, so tasks would have no egress"
        yield Problem(f"{HERE}.assign_public_ip", rule, "leave it true, or set vpc and subnets")
    yield from _vpc_link(settings)
    yield from _zones(settings)
    if settings.front_subnets and settings.front != "alb":
        yield Problem(f"{HERE}.front_subnets", "front_subnets are for an ALB", "remove them, or set front: alb")
    if settings.vpc and len(settings.front_subnets) == 1:
        yield Problem(f"{HERE}.front_subnets", "an ALB needs subnets in two zones", "add a subnet")


def _secret_keys(plan: Plan, settings: EcsSettings) -> Iterator[Problem]:
    if settings.secret_keys and not any(s.source == "existing" for s in plan.secrets):
        rule = "no existing secret is encrypted under these keys"
        yield Problem(f"{HERE}.secret_keys", rule, "remove them, or write existing: true for a secret")


def _vpc_link(settings: EcsSettings) -> Iterator[Problem]:
    link, group = settings.vpc_link_id, settings.vpc_link_security_group
    if (link is None) != (group is None):
        missing = "vpc_link_id" if link is None else "vpc_link_security_group"
        yield Problem(f"{HERE}.{missing}", "an existing VPC link needs its id and its security group", f"set {missing}")
    if link and not settings.vpc:
        yield Problem(
            f"{HERE}.vpc_link_id", "an existing VPC link is in an existing VPC", f"set {HERE}.vpc and subnets"
        )
    if link and settings.front != "http-api":
        yield Problem(f"{HERE}.vpc_link_id", "an ALB uses no VPC link", "remove it, or set front: http-api")


def _zones(settings: EcsSettings) -> Iterator[Problem]:
    if settings.zones and settings.vpc:
        yield Problem(f"{HERE}.zones", "zones are for a new VPC", "remove them, or remove vpc and subnets")
    elif settings.zones and len(set(settings.zones)) != 2:
        yield Problem(f"{HERE}.zones", "a new VPC has a subnet in each of two zones", "name two different zones")
    for zone in settings.zones:
        if zone in UNSUPPORTED_ZONE_IDS:
            rule = f"API Gateway or Fargate does not serve in {zone}"
            yield Problem(f"{HERE}.zones", rule, "choose another zone")


def _front(plan: Plan, settings: EcsSettings) -> Iterator[Problem]:
    domain = plan.network.domain
    if domain is None and settings.front == "alb":
        rule = "an ALB has no certificate without a domain"
        yield Problem(f"{HERE}.front", rule, "set network.domain, or leave front: http-api")
    if domain and not (settings.hosted_zone_id or settings.certificate):
        remedy = f"set {HERE}.hosted_zone_id to its Route 53 zone, or {HERE}.certificate to an issued one"
        yield Problem("network.domain", f"there is no certificate for {domain}", remedy)
