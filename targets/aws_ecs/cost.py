"""A month's cost on ECS: tasks in Fargate's sizes, and the resources around them.

Fargate bills by the second from the image's pull to the task's end, at least one minute, and disk above 20 GB:
https://aws.amazon.com/fargate/pricing/
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from unmoor.cost import common_uses, workload
from unmoor.cost.common_uses import compute_uses
from unmoor.plan import Plan
from unmoor.pricing.line import CostLine, Kind, UsageItem
from unmoor.pricing.pricer import Pricer
from unmoor.pricing.units import SECONDS_PER_MONTH
from unmoor.pricing.usage import Usage

from .describe import instances, run_size, scales, service_size
from .settings import EcsSettings
from .sizes import INCLUDED_DISK_GIB, FargateSize, disk_gib, log_days

LEAST_TASK_S = 60
REPLACED_DAYS = 7
SUBNETS = 2
# Target tracking has one alarm to scale out and one to scale in.
ALARMS = Decimal(2)
# The load of one capacity unit of a load balancer in an hour: new connections, or a GB.
# https://aws.amazon.com/elasticloadbalancing/pricing/
LCU_CONNECTIONS = Decimal(25 * 3600)


def cost(plan: Plan, settings: EcsSettings, usage: Usage, prices: Pricer) -> list[CostLine]:
    """The lines of a month's bill in the settings' region."""
    return prices.lines([*_uses(plan, settings, usage)], settings.region)


def _uses(plan: Plan, settings: EcsSettings, usage: Usage) -> Iterator[UsageItem]:
    always = SECONDS_PER_MONTH * instances(plan)
    yield from _gateway(plan, settings, always)
    yield from _front(plan, settings, usage)
    if plan.run.isolation == "container":
        yield from _runs(plan, settings, workload.run_seconds(usage, least=LEAST_TASK_S))
    if plan.schedules and plan.run.isolation == "container":
        yield UsageItem(
            "schedules", "runs", "schedules fired", "schedule", workload.scheduled_runs(plan.schedules), "event"
        )
    yield from _secrets(plan, usage)
    yield from common_uses.store_uses(plan, usage, always=always, woken=Decimal(0), replaced_days=REPLACED_DAYS)
    yield from common_uses.log_uses(usage, kept_days=log_days(plan.retention.logs_s) or 0)
    yield UsageItem("image", "fixed", "images kept", "image", workload.images_gib(plan), "GiB-month")
    yield from common_uses.egress_uses(usage)
    yield from _network(settings, usage)


def _gateway(plan: Plan, settings: EcsSettings, seconds: Decimal) -> Iterator[UsageItem]:
    what = f"{instances(plan)} always there"
    yield from _task("gateway", "fixed", what, plan, service_size(plan), seconds)
    if plan.run.isolation == "process":
        yield from _disk("gateway", "fixed", what, plan, seconds)
    yield from _address("gateway", "fixed", what, settings, seconds)
    if scales(plan):
        yield UsageItem("gateway", "fixed", "alarms of its scaling", "alarm", ALARMS, "alarm-month")


def _runs(plan: Plan, settings: EcsSettings, seconds: Decimal) -> Iterator[UsageItem]:
    what = "runs with their guards"
    yield from _task("run", "runs", what, plan, run_size(plan), seconds)
    yield from _disk("run", "runs", what, plan, seconds)
    yield from _address("run", "runs", what, settings, seconds)


def _task(part: str, kind: Kind, what: str, plan: Plan, size: FargateSize, seconds: Decimal) -> Iterator[UsageItem]:
    cpu = Decimal(size.cpu) / 1024
    yield from compute_uses(
        part, kind, what, rate=f"task-{plan.run.arch}", cpu=cpu, mib=size.memory_mib, seconds=seconds
    )


def _disk(part: str, kind: Kind, what: str, plan: Plan, seconds: Decimal) -> Iterator[UsageItem]:
    further = disk_gib(plan.run.disk_mib) - INCLUDED_DISK_GIB
    yield UsageItem(part, kind, f"{what}: disk above 20 GB", "task-disk", further * seconds, "GiB-second")


def _address(part: str, kind: Kind, what: str, settings: EcsSettings, seconds: Decimal) -> Iterator[UsageItem]:
    if settings.gives_public_ip:
        yield UsageItem(part, kind, f"{what}: public address", "address", seconds, "second")


def _front(plan: Plan, settings: EcsSettings, usage: Usage) -> Iterator[UsageItem]:
    requests = usage.all_requests
    if settings.front == "http-api":
        yield UsageItem("gateway", "runs", "requests of the HTTP API, up to 512 KB", "http-api", requests, "request")
        yield UsageItem("gateway", "fixed", "its private zone of names", "zone", Decimal(1), "zone-month")
        return
    addresses = len(settings.front_subnets or settings.subnets) or SUBNETS
    yield UsageItem("gateway", "fixed", "load balancer", "balancer", SECONDS_PER_MONTH, "second")
    yield UsageItem("gateway", "fixed", "its addresses", "address", SECONDS_PER_MONTH * addresses, "second")
    capacity = max(requests / LCU_CONNECTIONS, workload.answers_gib(usage))
    yield UsageItem("gateway", "runs", "its capacity units", "balancer-capacity", capacity, "LCU-hour")


def _secrets(plan: Plan, usage: Usage) -> Iterator[UsageItem]:
    yield UsageItem("secrets", "fixed", "kept", "secret", Decimal(workload.managed_secrets(plan)), "secret-month")
    yield UsageItem("secrets", "runs", "read by runs", "secret-read", workload.secret_reads(plan, usage), "operation")


def _network(settings: EcsSettings, usage: Usage) -> Iterator[UsageItem]:
    if not settings.gives_public_ip:
        note = "through the NAT of your VPC, whose hours are not counted, since it is there without this agent"
        yield UsageItem("network", "traffic", "through your NAT", "nat", workload.egress_gib(usage), "GiB", note)
    if settings.container_insights:
        yield UsageItem("logs", "fixed", "Container Insights", "insights", Decimal(1), "month")
