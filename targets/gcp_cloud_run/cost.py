"""A month's cost on Cloud Run: services by request or by instance, jobs, and the resources around them.

With CPU only during requests, a service is billed while it serves, rounded up to 100 ms, and little for idle instances.
With CPU always, and for a job, every second of an instance is billed, without a fee for requests. A job's task is
billed for at least a minute. https://cloud.google.com/run/pricing
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from unmoor.cost import common_uses, workload
from unmoor.cost.common_uses import compute_uses
from unmoor.plan import Plan
from unmoor.pricing.line import CostLine, Kind, UsageItem
from unmoor.pricing.pricer import Pricer
from unmoor.pricing.units import SECONDS_PER_MONTH
from unmoor.pricing.usage import Usage

from .container_sizes import (
    disk_mib,
    guard_size,
    has_cpu_between_requests,
    instances,
    isolated_runs,
    run_request,
    service_request,
    smallest_legal_size,
)
from .registries import makes_repository
from .settings import CloudRunSettings
from .sizes import Size, log_days

LEAST_TASK_S = 60
# The billed start time of an instance.
START_S = Decimal(5)
# A deleted object is a noncurrent version for 7 days, and then soft-deleted for 7: both are charged.
# https://docs.cloud.google.com/storage/docs/soft-delete
REPLACED_DAYS = 14
# A guard's request stays open for so long after the run's last connection.
LINGER_S = Decimal(10)
# Log storage is free for so many days: https://cloud.google.com/stackdriver/pricing
FREE_LOG_DAYS = 30


def cost(plan: Plan, settings: CloudRunSettings, usage: Usage, prices: Pricer) -> list[CostLine]:
    """The lines of a month's bill in the settings' region."""
    return prices.lines([*_uses(plan, settings, usage)], settings.region)


def _uses(plan: Plan, settings: CloudRunSettings, usage: Usage) -> Iterator[UsageItem]:
    yield from _gateway(plan, settings, usage)
    if isolated_runs(plan):
        yield from _runs(plan, settings, workload.run_seconds(usage, least=LEAST_TASK_S))
    yield from _guard(plan, usage)
    if isolated_runs(plan):
        count = Decimal(len(plan.schedules))
        yield UsageItem("schedules", "fixed", "jobs of Cloud Scheduler", "schedule", count, "job-month")
    versions = Decimal(workload.managed_secrets(plan))
    yield UsageItem("secrets", "fixed", "versions kept", "secret", versions, "secret-month")
    yield UsageItem("secrets", "runs", "read by runs", "secret-read", workload.secret_reads(plan, usage), "access")
    yield from common_uses.store_uses(plan, usage, **_awake_seconds(plan, usage), replaced_days=REPLACED_DAYS)
    copied = workload.logs_gib(usage)
    yield UsageItem("logs", "storage", "copied to the project's _Default bucket", "logs-written", copied, "GiB")
    yield from common_uses.log_uses(usage, kept_days=max((log_days(plan.retention.logs_s) or 0) - FREE_LOG_DAYS, 0))
    if makes_repository(plan.image):
        images = workload.IMAGE_GIB * workload.IMAGES
        yield UsageItem("image", "fixed", "images kept", "image", images, "GiB-month")
    yield from common_uses.egress_uses(usage)
    yield from _network(plan, settings, usage)


def _gateway(plan: Plan, settings: CloudRunSettings, usage: Usage) -> Iterator[UsageItem]:
    size, kept = smallest_legal_size(service_request(plan, settings)), instances(plan)
    always = SECONDS_PER_MONTH * kept
    if has_cpu_between_requests(plan):
        yield from _instance("gateway", "fixed", f"{kept} kept", "instance", size, always)
        yield from _disk(
            "gateway", "fixed", f"{kept} kept", plan, settings, always if not isolated_runs(plan) else Decimal(0)
        )
        return
    serving = _serving_seconds(usage, starting=not kept)
    yield from _instance("gateway", "runs", "while it serves", "request", size, serving)
    yield from _instance("gateway", "fixed", f"{kept} kept, idle", "idle", size, max(always - serving, Decimal(0)))
    yield UsageItem("gateway", "runs", "requests", "request", usage.all_requests, "request")


def _serving_seconds(usage: Usage, *, starting: bool) -> Decimal:
    """Seconds in which the gateway serves; if it sleeps, a run's start and its end wake it."""
    each = Decimal(math.ceil(usage.request_seconds * 10)) / 10
    starts = START_S if starting else Decimal(0)
    a_run = usage.requests * each + (2 * starts if usage.requests else 0)
    return workload.awake_seconds(usage, a_run=a_run, a_request=each + starts)


def _awake_seconds(plan: Plan, usage: Usage) -> dict[str, Decimal]:
    """Seconds in which a gateway has CPU to read the queue."""
    if has_cpu_between_requests(plan):
        return {"always": SECONDS_PER_MONTH * instances(plan), "woken": Decimal(0)}
    return {"always": Decimal(0), "woken": _serving_seconds(usage, starting=False)}


def _runs(plan: Plan, settings: CloudRunSettings, seconds: Decimal) -> Iterator[UsageItem]:
    size = smallest_legal_size(run_request(plan, settings))
    yield from _instance("run", "runs", "runs as jobs", "instance", size, seconds)
    yield from _disk("run", "runs", "runs as jobs", plan, settings, seconds)


def _guard(plan: Plan, usage: Usage) -> Iterator[UsageItem]:
    """A run has a guard of its own while it has a connection to it, at most for the whole run and its start."""
    note = "a run has a guard of its own while one of its connections is open, here the whole time"
    if plan.model is None and not plan.network.egress and not plan.network.egress_any:
        note = "a run without a model and without network.egress has no use for its guard, which ends after its start"
        yield from _instance("guard", "runs", "started", "request", guard_size(plan), _started(usage), note)
        return
    seconds = usage.runs * (usage.run_seconds + START_S)
    yield from _instance("guard", "runs", "while runs go", "request", guard_size(plan), seconds, note)
    yield UsageItem("guard", "runs", "requests", "request", workload.guard_requests(usage), "request")


def _started(usage: Usage) -> Decimal:
    """Seconds of guards that are started with a run and not used."""
    return usage.runs * min(START_S + LINGER_S, START_S + usage.run_seconds)


def _instance(
    part: str, kind: Kind, what: str, rate: str, size: Size, seconds: Decimal, note: str = ""
) -> Iterator[UsageItem]:
    mib = size.memory_mib
    yield from compute_uses(part, kind, what, rate=rate, cpu=Decimal(size.cpu), mib=mib, seconds=seconds, note=note)


def _disk(
    part: str, kind: Kind, what: str, plan: Plan, settings: CloudRunSettings, seconds: Decimal
) -> Iterator[UsageItem]:
    if settings.disk == "disk":
        gib = Decimal(disk_mib(plan, settings)) / 1024
        yield UsageItem(part, kind, f"{what}: ephemeral disk", "disk", gib * seconds, "GiB-second")


def _network(plan: Plan, settings: CloudRunSettings, usage: Usage) -> Iterator[UsageItem]:
    if plan.network.domain:
        yield UsageItem("gateway", "fixed", "load balancer, up to 5 rules", "balancer", SECONDS_PER_MONTH, "second")
        yield UsageItem("gateway", "traffic", "through it", "balancer-traffic", workload.answers_gib(usage), "GiB")
    if settings.static_address:
        yield UsageItem("network", "fixed", "static address", "address", SECONDS_PER_MONTH, "second")
        instances_seconds = workload.run_seconds(usage) + SECONDS_PER_MONTH * instances(plan)
        yield UsageItem("network", "runs", "NAT, for each instance", "nat", instances_seconds, "second")
        yield UsageItem("network", "traffic", "through the NAT", "nat-traffic", workload.egress_gib(usage), "GiB")
