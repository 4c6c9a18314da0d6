"""What a month costs on Cloud Run: services by the request or by the instance, jobs, and what stands around them.

A service whose processors are for requests alone pays while it serves one, rounded up to 100 ms, and little for an
instance that is kept; one that works between requests, and a job, pay for every second of an instance, without a fee
for requests. A job's task is billed for a minute at least. https://cloud.google.com/run/pricing
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from unmoor.cost import common, load
from unmoor.cost.common import compute, use
from unmoor.cost.line import CostLine, Kind, Use
from unmoor.cost.lines import Prices
from unmoor.cost.units import SECONDS_PER_MONTH
from unmoor.cost.usage import Usage
from unmoor.plan import Plan

from .registries import makes_repository
from .settings import CloudRunSettings
from .sizes import Size, log_days
from .totals import (
    apart,
    disk_mib,
    instances,
    legal,
    wanted_for_guard,
    wanted_for_run,
    wanted_for_service,
    works_unasked,
)

LEAST_TASK_S = 60
# How long an instance takes to be ready, which is billed.
START_S = Decimal(5)
REPLACED_DAYS = 7
# Logs are kept for so long for nothing: https://cloud.google.com/stackdriver/pricing
FREE_LOG_DAYS = 30


def cost(plan: Plan, settings: CloudRunSettings, usage: Usage, prices: Prices) -> list[CostLine]:
    """The lines of a month's bill in the settings' region."""
    return prices.lines([*_uses(plan, settings, usage)], settings.region)


def _uses(plan: Plan, settings: CloudRunSettings, usage: Usage) -> Iterator[Use]:
    yield from _gateway(plan, settings, usage)
    if apart(plan):
        yield from _runs(plan, settings, load.run_seconds(usage, least=LEAST_TASK_S))
    yield from _guard(plan, usage)
    if apart(plan):
        count = Decimal(len(plan.schedules))
        yield use("schedules", "fixed", "jobs of Cloud Scheduler", "schedule", count, "job-month")
    versions = Decimal(load.made_secrets(plan))
    yield use("secrets", "fixed", "versions kept", "secret", versions, "secret-month")
    yield use("secrets", "runs", "read by runs", "secret-read", load.secret_reads(plan, usage), "access")
    yield from common.store(plan, usage, **_looking(plan, usage), replaced_days=REPLACED_DAYS)
    yield from common.logs(usage, kept_days=max((log_days(plan.retention.logs_s) or 0) - FREE_LOG_DAYS, 0))
    if makes_repository(plan.image):
        images = load.IMAGE_GIB * load.IMAGES
        yield use("image", "fixed", "images kept", "image", images, "GiB-month")
    yield from common.traffic(usage)
    yield from _network(plan, settings, usage)


def _gateway(plan: Plan, settings: CloudRunSettings, usage: Usage) -> Iterator[Use]:
    size, kept = legal(wanted_for_service(plan, settings)), instances(plan)
    always = SECONDS_PER_MONTH * kept
    if works_unasked(plan):
        yield from _instance("gateway", "fixed", f"{kept} kept", "instance", size, always)
        yield from _disk("gateway", "fixed", f"{kept} kept", plan, settings, always if not apart(plan) else Decimal(0))
        return
    serving = _serving(usage, starting=not kept)
    yield from _instance("gateway", "runs", "while it serves", "request", size, serving)
    yield from _instance("gateway", "fixed", f"{kept} kept, idle", "idle", size, max(always - serving, Decimal(0)))
    yield use("gateway", "runs", "requests", "request", usage.all_requests, "request")


def _serving(usage: Usage, *, starting: bool) -> Decimal:
    """Seconds in which the gateway serves a request; one that sleeps is started by a run's beginning and by its end."""
    each = Decimal(math.ceil(usage.request_seconds * 10)) / 10
    starts = START_S if starting else Decimal(0)
    a_run = usage.requests * each + (2 * starts if usage.requests else 0)
    return load.awake_seconds(usage, a_run=a_run, a_request=each + starts)


def _looking(plan: Plan, usage: Usage) -> dict[str, Decimal]:
    """Seconds in which a gateway has a processor to look into the queue with."""
    if works_unasked(plan):
        return {"always": SECONDS_PER_MONTH * instances(plan), "woken": Decimal(0)}
    return {"always": Decimal(0), "woken": _serving(usage, starting=False)}


def _runs(plan: Plan, settings: CloudRunSettings, seconds: Decimal) -> Iterator[Use]:
    size = legal(wanted_for_run(plan, settings))
    yield from _instance("run", "runs", "runs as jobs", "instance", size, seconds)
    yield from _disk("run", "runs", "runs as jobs", plan, settings, seconds)


def _guard(plan: Plan, usage: Usage) -> Iterator[Use]:
    """The guard serves a run's streams from its beginning to its end; one guard does for the runs of a moment."""
    note = "a guard is there while a run is, whose streams go through it"
    size, seconds = legal(wanted_for_guard(plan)), load.busy_seconds(usage)
    yield from _instance("guard", "runs", "while runs go", "request", size, seconds, note)
    yield use("guard", "runs", "requests", "request", load.guard_requests(usage), "request")


def _instance(
    part: str, kind: Kind, what: str, rate: str, size: Size, seconds: Decimal, note: str = ""
) -> Iterator[Use]:
    mib = size.memory_mib
    yield from compute(part, kind, what, rate=rate, cpu=Decimal(size.cpu), mib=mib, seconds=seconds, note=note)


def _disk(part: str, kind: Kind, what: str, plan: Plan, settings: CloudRunSettings, seconds: Decimal) -> Iterator[Use]:
    if settings.disk == "disk":
        gib = Decimal(disk_mib(plan, settings)) / 1024
        yield use(part, kind, f"{what}: ephemeral disk", "disk", gib * seconds, "GiB-second")


def _network(plan: Plan, settings: CloudRunSettings, usage: Usage) -> Iterator[Use]:
    if plan.network.domain:
        yield use("gateway", "fixed", "load balancer, up to 5 rules", "balancer", SECONDS_PER_MONTH, "second")
        yield use("gateway", "traffic", "through it", "balancer-traffic", load.answers_gib(usage), "GiB")
    if settings.static_address:
        yield use("network", "fixed", "static address", "address", SECONDS_PER_MONTH, "second")
        instances_seconds = load.run_seconds(usage) + SECONDS_PER_MONTH * instances(plan)
        yield use("network", "runs", "NAT, for each instance", "nat", instances_seconds, "second")
        yield use("network", "traffic", "through the NAT", "nat-traffic", load.egress_gib(usage), "GiB")
