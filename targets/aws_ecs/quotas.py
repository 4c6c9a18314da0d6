"""What the account has left in the region of what a deployment creates.

VPCs: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
VPC links: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
Fargate: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from unmoor.errors import UnmoorError
from unmoor.findings import Finding, note, ok
from unmoor.plan import Plan
from unmoor.quantities import cpu_text

from .account import call_aws
from .describe import instances, run_size, service_size
from .settings import EcsSettings

# Service and quota codes of Service Quotas.
VPCS, FARGATE_VCPUS = ("vpc", "L-F678F1CE"), ("fargate", "L-3032A538")
# An account's quota of VPC links for HTTP APIs, which has no code that AWS publishes.
VPC_LINKS = 10
UNITS_OF_A_VCPU = 1024

Connect = Callable[[str], Any]


def quota_findings(plan: Plan, settings: EcsSettings, connect: Connect) -> Iterator[Finding]:
    """Room for a VPC, a VPC link and the agent's tasks. `connect` makes a client of a service."""
    if not settings.vpc:
        todo = "for another agent, set vpc and subnets to an existing VPC, or request a larger quota"
        yield _finding("VPCs", lambda: _count_vpcs(settings.region, connect, todo))
    if settings.front == "http-api" and not settings.vpc_link_id:
        todo = "for another agent, set vpc_link_id to an existing link, or request a larger quota"
        yield _finding("VPC links", lambda: _count_links(settings.region, connect, todo))
    yield _finding("Fargate", lambda: _fargate(plan, settings.region, connect))


def needed_vcpus(plan: Plan) -> Decimal:
    """The processors of the agent's tasks when as many run as may."""
    gateways = max(plan.gateway.max, instances(plan)) * service_size(plan).cpu
    runs = plan.run.max_concurrent * run_size(plan).cpu if plan.run.isolation == "container" else 0
    return Decimal(gateways + runs) / UNITS_OF_A_VCPU


def _finding(topic: str, look: Callable[[], Finding]) -> Finding:
    """What was found out; a note if this identity may not ask."""
    try:
        return look()
    except UnmoorError as error:
        return note(topic, f"cannot tell what the quota leaves: {error}")


def _count_vpcs(region: str, connect: Connect, todo: str) -> Finding:
    ec2 = connect("ec2")
    pages = call_aws(lambda: list(ec2.get_paginator("describe_vpcs").paginate()))
    used, limit = sum(len(page["Vpcs"]) for page in pages), _quota(connect, *VPCS)
    said = f"{used} of {limit} VPCs in {region}"
    return ok("VPCs", said) if used < limit else note("VPCs", said, todo)


def _count_links(region: str, connect: Connect, todo: str) -> Finding:
    api = connect("apigatewayv2")
    used = len(call_aws(lambda: api.get_vpc_links(MaxResults="100"))["Items"])
    said = f"{used} of {VPC_LINKS} VPC links in {region}, unless AWS has raised the quota"
    return ok("VPC links", said) if used < VPC_LINKS else note("VPC links", said, todo)


def _fargate(plan: Plan, region: str, connect: Connect) -> Finding:
    """New accounts may have a quota of a few processors: runs above it wait for capacity."""
    limit, needed = _quota(connect, *FARGATE_VCPUS), needed_vcpus(plan)
    said = f"the agent may use {cpu_text(needed)} of {limit} vCPU of Fargate On-Demand in {region}"
    todo = "request a larger quota, or lower run.max_concurrent"
    return ok("Fargate", said) if needed <= limit else note("Fargate", said, todo)


def _quota(connect: Connect, service: str, code: str) -> int:
    quotas = connect("service-quotas")
    return int(call_aws(lambda: quotas.get_service_quota(ServiceCode=service, QuotaCode=code))["Quota"]["Value"])
