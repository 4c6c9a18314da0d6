"""The reasons to reject a plan on ECS."""

from __future__ import annotations

import re
from collections.abc import Iterator

from unmoor.cron import parse
from unmoor.errors import Problem
from unmoor.plan import Plan
from unmoor.quantities import cpu_text, duration_text, size_text
from unmoor.target.checks import existing_secrets_problems, local_image_problems, missed_schedules_problems

from .settings import EcsSettings
from .sizes import MOST_DISK_GIB, disk_gib, fargate_size, log_days

HERE = "targets.aws-ecs"
SECRET_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]+-[A-Za-z0-9]{6}")


def check(plan: Plan, settings: EcsSettings) -> list[Problem]:
    """Every reason to reject the plan; an empty list accepts it."""
    return [
        *_sizes(plan),
        *_schedules(plan),
        *_logs(plan),
        *_network(settings),
        *_front(plan, settings),
        *missed_schedules_problems(plan, by="EventBridge Scheduler"),
        *local_image_problems(plan, by="Fargate"),
        *existing_secrets_problems(plan, settings, target="aws-ecs", what="its ARN"),
        *_secret_arns(plan, settings),
    ]


def _sizes(plan: Plan) -> Iterator[Problem]:
    memory = plan.run.memory_mib + plan.guard.memory_mib
    if fargate_size(plan.run.cpu, memory) is None:
        asked = f"{cpu_text(plan.run.cpu)} processors and {size_text(memory)} with the guard's"
        yield Problem("resources", f"Fargate has no size for {asked}", "ask for at most 16 and 119Gi")
    service = plan.service_memory_mib + (plan.guard.memory_mib if plan.run.isolation == "process" else 0)
    if fargate_size(plan.service_cpu, service) is None:
        asked = f"{cpu_text(plan.service_cpu)} processors and {size_text(service)}"
        yield Problem("gateway", f"Fargate has no size for {asked}", "ask for at most 16 and 119Gi")
    if disk_gib(plan.run.disk_mib) > MOST_DISK_GIB:
        rule = f"{size_text(plan.run.disk_mib)} is over Fargate's {MOST_DISK_GIB}Gi"
        yield Problem("resources.disk", rule, "lower it, or choose vm-docker")


def _schedules(plan: Plan) -> Iterator[Problem]:
    """EventBridge requires `?` in one of the two day fields, so it cannot combine them with `or`."""
    if plan.run.isolation == "process":
        return
    for schedule in plan.schedules:
        cron = parse(schedule.cron)
        if not (cron.any_day or cron.any_weekday):
            yield Problem(
                f"triggers[{schedule.name}].schedule.cron",
                "EventBridge Scheduler cannot say this day of the month or that day of the week",
                "make it two triggers, one with each",
            )


def _logs(plan: Plan) -> Iterator[Problem]:
    if log_days(plan.retention.logs_s) is None:
        rule = f"{duration_text(plan.retention.logs_s)} is over CloudWatch's 3653d"
        yield Problem("retention.logs", rule, "lower it")


def _network(settings: EcsSettings) -> Iterator[Problem]:
    if settings.vpc and len(settings.subnets) < 2:
        rule = f"{len(settings.subnets)} subnets are given for {settings.vpc}"
        yield Problem(f"{HERE}.subnets", rule, "give two or more, in different zones")
    if not settings.vpc and (settings.subnets or settings.front_subnets):
        yield Problem(f"{HERE}.subnets", "subnets are given without their VPC", f"add {HERE}.vpc")
    if not settings.vpc and not settings.assign_public_ip:
        rule = "the VPC that is made has public subnets and no NAT, so tasks would reach nothing"
        yield Problem(f"{HERE}.assign_public_ip", rule, "leave it true, or give vpc and subnets")
    if settings.front_subnets and settings.front != "alb":
        rule = "front_subnets are for an ALB"
        yield Problem(f"{HERE}.front_subnets", rule, "remove them, or set front: alb")
    if settings.vpc and len(settings.front_subnets) == 1:
        rule = "an ALB needs subnets in two zones"
        yield Problem(f"{HERE}.front_subnets", rule, "give two or more")


def _front(plan: Plan, settings: EcsSettings) -> Iterator[Problem]:
    domain = plan.network.domain
    if domain is None:
        if settings.front == "alb":
            rule = "an ALB has no certificate without a domain"
            yield Problem(f"{HERE}.front", rule, "set network.domain, or leave front: http-api")
        for key in ("hosted_zone_id", "certificate"):
            if getattr(settings, key):
                rule = f"{key} is for network.domain, which is not set"
                yield Problem(f"{HERE}.{key}", rule, "set network.domain or remove it")
        return
    if not (settings.hosted_zone_id or settings.certificate):
        rule = f"no certificate can be had for {domain}"
        remedy = f"set {HERE}.hosted_zone_id to its Route 53 zone, or {HERE}.certificate to an issued one"
        yield Problem("network.domain", rule, remedy)


def _secret_arns(plan: Plan, settings: EcsSettings) -> Iterator[Problem]:
    for secret in plan.secrets:
        arn = settings.secrets.get(secret.name)
        if secret.source == "existing" and arn is not None and not SECRET_ARN.fullmatch(arn):
            rule = f"{arn!r} is no Secrets Manager ARN"
            remedy = "write the whole ARN, six characters at its end included"
            yield Problem(f"{HERE}.secrets.{secret.name}", rule, remedy)
