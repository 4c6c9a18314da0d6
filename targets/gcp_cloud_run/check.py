"""The reasons to reject a plan on Cloud Run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from unmoor.errors import Problem
from unmoor.plan import Plan
from unmoor.quantities import cpu_text, duration_text, quote_truncated, size_text
from unmoor.target.checks import existing_secrets_problems, local_image_problems, missed_schedules_problems

from .container_sizes import isolated_runs, run_request, service_request
from .settings import SECRET_ID, CloudRunSettings
from .sizes import MOST_LOG_DAYS, MOST_TASK_S, cloud_run_size, disk_gib, log_days

HERE = "targets.gcp-cloud-run"


def check(plan: Plan, settings: CloudRunSettings) -> list[Problem]:
    """Every reason to reject the plan; an empty list accepts it."""
    return [
        *_architecture(plan),
        *_sizes(plan, settings),
        *_disk(plan, settings),
        *_timeout(plan),
        *_logs(plan),
        *missed_schedules_problems(plan, by="Cloud Scheduler"),
        *local_image_problems(plan, by="Google Cloud"),
        *_network(settings),
        *_domain(plan, settings),
        *existing_secrets_problems(plan, settings, target="gcp-cloud-run", what="projects/P/secrets/S"),
        *_secret_ids(plan, settings),
    ]


def _architecture(plan: Plan) -> Iterator[Problem]:
    if plan.run.arch != "amd64":
        rule = f"Cloud Run has no {plan.run.arch}"
        yield Problem("resources.arch", rule, "write amd64, or choose aws-ecs or vm-docker")


def _sizes(plan: Plan, settings: CloudRunSettings) -> Iterator[Problem]:
    if isolated_runs(plan):
        yield from _size("resources", *run_request(plan, settings))
    yield from _size("gateway", *service_request(plan, settings))


def _size(path: str, cpu: Decimal, memory_mib: int) -> Iterator[Problem]:
    if cloud_run_size(cpu, memory_mib) is None:
        rule = f"Cloud Run has no size for {cpu_text(cpu)} processors and {size_text(memory_mib)}, all of it counted"
        yield Problem(path, rule, "ask for at most 8 and 32Gi")


def _disk(plan: Plan, settings: CloudRunSettings) -> Iterator[Problem]:
    wanted = disk_gib(plan.run.disk_mib)
    if settings.disk == "disk" and wanted > settings.disk_quota_gib:
        asked = size_text(plan.run.disk_mib)
        yield Problem(
            "resources.disk",
            f"{asked} is over the {settings.disk_quota_gib}Gi that an instance may have",
            f"lower it, or have Google raise the quota and set {HERE}.disk_quota_gib to {wanted}",
        )


def _timeout(plan: Plan) -> Iterator[Problem]:
    if isolated_runs(plan) and plan.run.timeout_s > MOST_TASK_S:
        rule = f"{duration_text(plan.run.timeout_s)} is over a job's 7d"
        yield Problem("run.timeout", rule, "lower it, or choose aws-ecs or vm-docker")


def _logs(plan: Plan) -> Iterator[Problem]:
    if log_days(plan.retention.logs_s) is None:
        rule = f"{duration_text(plan.retention.logs_s)} is over Cloud Logging's {MOST_LOG_DAYS}d"
        yield Problem("retention.logs", rule, "lower it")


def _network(settings: CloudRunSettings) -> Iterator[Problem]:
    given = settings.network or settings.subnetwork
    if settings.static_address and given and not (settings.network and settings.subnetwork):
        missing = "subnetwork" if settings.network else "network"
        rule = f"a NAT needs both, and {missing} is not set"
        yield Problem(f"{HERE}.{missing}", rule, "set it, or remove the other and one is made")
    if settings.vpc_egress and not (given or settings.static_address):
        rule = "nothing goes through a network, since there is none"
        yield Problem(f"{HERE}.vpc_egress", rule, "remove it, or set network and subnetwork")
    if settings.static_address and settings.vpc_egress == "private-ranges-only":
        rule = "what is not private would leave from other addresses than the static one"
        yield Problem(f"{HERE}.vpc_egress", rule, "remove it, or write all-traffic")


def _domain(plan: Plan, settings: CloudRunSettings) -> Iterator[Problem]:
    if settings.dns_zone and plan.network.domain is None:
        rule = "dns_zone is for network.domain, which is not set"
        yield Problem(f"{HERE}.dns_zone", rule, "set network.domain or remove it")


def _secret_ids(plan: Plan, settings: CloudRunSettings) -> Iterator[Problem]:
    for secret in plan.secrets:
        given = settings.secrets.get(secret.name)
        if secret.source == "existing" and given is not None and not re.fullmatch(SECRET_ID, given):
            rule = f"{quote_truncated(given)} is no secret's name"
            remedy = "write projects/P/secrets/S, and /versions/N to pin its value"
            yield Problem(f"{HERE}.secrets.{secret.name}", rule, remedy)
