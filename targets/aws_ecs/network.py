"""The network: an own or existing VPC, and the security groups in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

from unmoor.container import GATEWAY_PORT

from .context import Context
from .names import GROUP, name
from .zones import zone_arguments

EVERYWHERE = "0.0.0.0/0"
GROUPS = {"front": "what the gateway stands behind", "gateway": "the gateway", "run": "a run and its guard"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """VPC, subnets and security groups; `routes` must exist before a task starts, and until its end."""

    vpc_id: pulumi.Input[str]
    subnets: Sequence[pulumi.Input[str]]
    front_subnets: Sequence[pulumi.Input[str]]
    gateway: aws.ec2.SecurityGroup
    run: aws.ec2.SecurityGroup
    front: aws.ec2.SecurityGroup
    routes: Sequence[pulumi.Resource] = ()

    def tasks(self, context: Context, group: aws.ec2.SecurityGroup) -> dict[str, Any]:
        """The awsvpc configuration of a task in this group, for the ECS API."""
        public = "ENABLED" if context.settings.gives_public_ip else "DISABLED"
        return {"subnets": self.subnets, "securityGroups": [group.id], "assignPublicIp": public}


def network(context: Context) -> Network:
    settings = context.settings
    routes: list[pulumi.Resource] = []
    vpc_id, subnets = (settings.vpc, list(settings.subnets)) if settings.vpc else _create_vpc(context, routes)
    groups = {role: _group(context, role, vpc_id, what) for role, what in GROUPS.items()}
    front_subnets = list(settings.front_subnets) or subnets
    created = Network(vpc_id=vpc_id, subnets=subnets, front_subnets=front_subnets, routes=routes, **groups)
    routes += _rules(context, created)
    return created


def _create_vpc(context: Context, routes: list[pulumi.Resource]) -> tuple[pulumi.Input[str], list[pulumi.Input[str]]]:
    """A VPC and its two public subnets; adds to `routes` the ways out of them."""
    label = {**context.tags, "Name": name(context.plan, "network")}
    vpc = aws.ec2.Vpc(
        context.logical("network"),
        cidr_block="10.64.0.0/16",
        enable_dns_hostnames=True,
        enable_dns_support=True,
        tags=label,
        opts=context.child,
    )
    way_out = aws.ec2.InternetGateway(context.logical("network"), vpc_id=vpc.id, tags=label, opts=context.child)
    table = aws.ec2.RouteTable(context.logical("network"), vpc_id=vpc.id, tags=label, opts=context.child)
    route = aws.ec2.Route(
        context.logical("network"),
        route_table_id=table.id,
        destination_cidr_block=EVERYWHERE,
        gateway_id=way_out.id,
        opts=context.child,
    )
    subnets = [_subnet(context, vpc, index, zone) for index, zone in enumerate(zone_arguments(context))]
    routes += [route, *(_associate(context, table, subnet, index) for index, subnet in enumerate(subnets))]
    routes.append(_store_endpoint(context, vpc, table))
    return vpc.id, [s.id for s in subnets]


def _subnet(context: Context, vpc: aws.ec2.Vpc, index: int, zone: dict[str, Any]) -> aws.ec2.Subnet:
    # The list of zones changes while one is impaired; a subnet that exists stays where it is.
    stays = pulumi.ResourceOptions(ignore_changes=["availabilityZone"])
    return aws.ec2.Subnet(
        context.logical(f"network-{index}"),
        vpc_id=vpc.id,
        cidr_block=f"10.64.{index}.0/24",
        tags={**context.tags, "Name": name(context.plan, f"network{index}")},
        opts=pulumi.ResourceOptions.merge(context.child, stays),
        **zone,
    )


def _associate(
    context: Context, table: aws.ec2.RouteTable, subnet: aws.ec2.Subnet, index: int
) -> aws.ec2.RouteTableAssociation:
    return aws.ec2.RouteTableAssociation(
        context.logical(f"network-{index}"), route_table_id=table.id, subnet_id=subnet.id, opts=context.child
    )


def _store_endpoint(context: Context, vpc: aws.ec2.Vpc, table: aws.ec2.RouteTable) -> aws.ec2.VpcEndpoint:
    """A free route to the store inside AWS's network."""
    return aws.ec2.VpcEndpoint(
        context.logical("store"),
        vpc_id=vpc.id,
        service_name=f"com.amazonaws.{context.settings.region}.s3",
        vpc_endpoint_type="Gateway",
        route_table_ids=[table.id],
        **context.common_args,
    )


def _group(context: Context, role: str, vpc_id: pulumi.Input[str], what: str) -> aws.ec2.SecurityGroup:
    return aws.ec2.SecurityGroup(
        context.logical(role),
        name=name(context.plan, role, GROUP),
        description=f"unmoor: {what}",
        vpc_id=vpc_id,
        **context.common_args,
    )


def _rules(context: Context, created: Network) -> Iterator[pulumi.Resource]:
    yield _rule(context, "out", "front-gateway", created.front, GATEWAY_PORT, peer=created.gateway.id)
    front = context.settings.vpc_link_security_group or created.front.id
    yield _rule(context, "in", "gateway-front", created.gateway, GATEWAY_PORT, peer=front)
    if context.settings.front == "alb":
        for port in (443, 80):
            yield _rule(context, "in", f"front-{port}", created.front, port)
    for port in sorted({443, *(port for mailbox in context.plan.mailboxes for port in mailbox.ports)}):
        yield _rule(context, "out", f"gateway-{port}", created.gateway, port)
    if not context.plan.network.egress_any:
        yield _rule(context, "out", "run-443", created.run, 443)
        return
    yield _rule(context, "out", "run-any", created.run, None)
    if not context.isolated_runs:
        yield _rule(context, "out", "gateway-any", created.gateway, None)


def _rule(
    context: Context,
    direction: Literal["in", "out"],
    role: str,
    group: aws.ec2.SecurityGroup,
    port: int | None,
    *,
    peer: pulumi.Input[str] | None = None,
) -> pulumi.Resource:
    """Allow one TCP port, or everything if `port` is None, from or to `peer`, or any address without one."""
    rule = aws.vpc.SecurityGroupIngressRule if direction == "in" else aws.vpc.SecurityGroupEgressRule
    return rule(
        context.logical(role),
        security_group_id=group.id,
        cidr_ipv4=EVERYWHERE if peer is None else None,
        referenced_security_group_id=peer,
        ip_protocol="-1" if port is None else "tcp",
        from_port=port,
        to_port=port,
        **context.common_args,
    )
