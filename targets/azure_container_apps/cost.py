"""A month's cost on Container Apps: replicas, active or idle, and the resources around them.

A replica below the minimum is idle while it serves nothing. A woken one is active until the cooldown after the last
request. A job is always active.
https://learn.microsoft.com/azure/container-apps/billing
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from unmoor.cost import common_uses, workload
from unmoor.cost.common_uses import compute_uses
from unmoor.plan import Plan
from unmoor.pricing.line import CostLine, Kind, UsageItem
from unmoor.pricing.pricer import Pricer
from unmoor.pricing.units import DAYS_PER_MONTH, SECONDS_PER_HOUR, SECONDS_PER_MONTH
from unmoor.pricing.usage import Usage

from .container_sizes import instances, replica_of_gateway, replica_of_runs
from .settings import ContainerAppsSettings, WorkloadProfile
from .sizes import MACHINES, Size, log_days

# https://learn.microsoft.com/azure/container-apps/scale-app
COOLDOWN_S = Decimal(300)
# A deleted blob is a version for 7 days, and then soft-deleted for 7: both are charged.
# https://learn.microsoft.com/azure/storage/blobs/soft-delete-blob-overview
REPLACED_DAYS = 14
# Log storage is free for so many days.
FREE_LOG_DAYS = 31


def cost(plan: Plan, settings: ContainerAppsSettings, usage: Usage, prices: Pricer) -> list[CostLine]:
    """The lines of a month's bill in the settings' location."""
    return prices.lines([*_uses(plan, settings, usage)], settings.location)


def _uses(plan: Plan, settings: ContainerAppsSettings, usage: Usage) -> Iterator[UsageItem]:
    own, apart = settings.workload_profile, plan.run.isolation == "container"
    yield from _machines(plan, settings, usage, own) if own else ()
    if apart or not own:
        yield from _gateway(plan, settings, usage)
    if apart and not own:
        size = _legal_size(replica_of_runs(plan, settings))
        yield from _replica("run", "runs", "runs with their guards", "active", size, workload.run_seconds(usage))
    yield UsageItem("gateway", "runs", "requests", "request", usage.all_requests, "request")
    always = SECONDS_PER_MONTH * instances(plan)
    yield from common_uses.store_uses(
        plan, usage, always=always, woken=_woken_seconds(plan, usage), replaced_days=REPLACED_DAYS
    )
    yield from common_uses.log_uses(usage, kept_days=max((log_days(plan.retention.logs_s) or 0) - FREE_LOG_DAYS, 0))
    yield from _image(plan, settings)
    yield UsageItem("secrets", "runs", "read by runs", "secret-read", workload.secret_reads(plan, usage), "operation")
    yield from common_uses.egress_uses(usage)
    yield from _unpriced_items(settings)


def _gateway(plan: Plan, settings: ContainerAppsSettings, usage: Usage) -> Iterator[UsageItem]:
    size, kept = _legal_size(replica_of_gateway(plan, settings)), instances(plan)
    if not kept:
        note = f"the gateway is woken by a run's beginning and its end, and stays {COOLDOWN_S} s after the last request"
        yield from _replica("gateway", "runs", "woken", "active", size, _woken_seconds(plan, usage), note)
        return
    active = min(_active_seconds(plan, usage), SECONDS_PER_MONTH * kept)
    yield from _replica("gateway", "runs", f"{kept} kept, active", "active", size, active)
    yield from _replica("gateway", "fixed", f"{kept} kept, idle", "idle", size, SECONDS_PER_MONTH * kept - active)


def _active_seconds(plan: Plan, usage: Usage) -> Decimal:
    """Seconds in which an always-on gateway serves requests, or runs as processes."""
    requests = workload.awake_seconds(
        usage, a_run=usage.requests * usage.request_seconds, a_request=usage.request_seconds
    )
    return requests if plan.run.isolation == "container" else max(requests, workload.busy_seconds(usage))


def _woken_seconds(plan: Plan, usage: Usage) -> Decimal:
    """Seconds in which a gateway that scales to zero is awake."""
    if instances(plan):
        return Decimal(0)
    served = usage.requests * usage.request_seconds
    a_run = min(2 * COOLDOWN_S, usage.run_seconds + usage.start_seconds + COOLDOWN_S) + served
    return workload.awake_seconds(usage, a_run=a_run if usage.requests else Decimal(0), a_request=COOLDOWN_S)


def _machines(plan: Plan, settings: ContainerAppsSettings, usage: Usage, own: WorkloadProfile) -> Iterator[UsageItem]:
    """Dedicated machines are billed by the hour, used or not, plus a management fee."""
    cores, gib = map(Decimal, MACHINES[own.type])
    size = _legal_size(replica_of_runs(plan, settings))
    fit = min(cores // size.cpu, gib * 1024 // size.memory_mib)
    yield UsageItem("run", "fixed", "management of machines", "machine-fee", SECONDS_PER_MONTH, "second")
    kept = max(own.min, instances(plan) if plan.run.isolation == "process" else 0)
    yield from _machine("fixed", f"{kept} of {own.type} kept", own, SECONDS_PER_MONTH * kept)
    if plan.run.isolation == "container":
        hours = (usage.run_seconds + usage.start_seconds) / SECONDS_PER_HOUR
        most = Decimal(own.max)
        further = (count * min(max(runs * hours / fit - kept, Decimal(0)), most) for runs, count in usage.hourly_load)
        seconds = DAYS_PER_MONTH * SECONDS_PER_HOUR * sum(further, Decimal(0))
        yield from _machine("runs", f"further {own.type} while runs go", own, seconds)


def _machine(kind: Kind, what: str, own: WorkloadProfile, seconds: Decimal) -> Iterator[UsageItem]:
    cores, gib = MACHINES[own.type]
    yield from compute_uses("run", kind, what, rate="machine", cpu=Decimal(cores), mib=gib * 1024, seconds=seconds)


def _image(plan: Plan, settings: ContainerAppsSettings) -> Iterator[UsageItem]:
    if workload.images_gib(plan) and not settings.registry:
        yield UsageItem("image", "fixed", "registry (Basic, with 10 GB)", "registry", DAYS_PER_MONTH, "day")


def _unpriced_items(settings: ContainerAppsSettings) -> Iterator[UsageItem]:
    """Items without a price in the book, which are reported as missing."""
    if settings.infrastructure_subnet_id:
        yield UsageItem("network", "fixed", "addresses and balancer in your subnet", "subnet", Decimal(1), "month")
    if settings.zone_redundant:
        yield UsageItem("store", "storage", "copies in other zones", "store-zones", Decimal(1), "month")


def _replica(
    part: str, kind: Kind, what: str, rate: str, size: Size, seconds: Decimal, note: str = ""
) -> Iterator[UsageItem]:
    mib = size.memory_mib
    yield from compute_uses(part, kind, what, rate=rate, cpu=size.cpu, mib=mib, seconds=seconds, note=note)


def _legal_size(size: Size | None) -> Size:
    assert size is not None, "check() refuses what has no size"
    return size
