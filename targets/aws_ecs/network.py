"""The network: a VPC with two public subnets, or a given one, and who may speak to whom in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from unmoor.container import GATEWAY_PORT

from .context import Context
from .names import GROUP, name

EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Where tasks and the front stand, and their security groups."""

    vpc_id: pulumi.Input[str]
    subnets: list[pulumi.Input[str]]
    front_subnets: list[pulumi.Input[str]]
    gateway: aws.ec2.SecurityGroup
    run: aws.ec2.SecurityGroup
    front: aws.ec2.SecurityGroup

    def tasks(self, context: Context, group: aws.ec2.SecurityGroup) -> dict[str, Any]:
        """The awsvpc configuration of a task in this group, as the ECS API spells it."""
        public = "ENABLED" if context.settings.assign_public_ip else "DISABLED"
        return {"subnets": self.subnets, "securityGroups": [group.id], "assignPublicIp": public}


def network(context: Context) -> Network:
    """The given VPC or one of the agent's own, with the groups of gateway, run and front."""
    vpc_id, subnets = _given(context) if context.settings.vpc else _own(context)
    groups = {role: _group(context, role, vpc_id, what) for role, what in _GROUPS.items()}
    made = Network(
        vpc_id=vpc_id,
        subnets=subnets,
        front_subnets=list(context.settings.front_subnets) or subnets,
        **groups,
    )
    _rules(context, made)
    return made


_GROUPS = {
    "front": "what the gateway stands behind",
    "gateway": "the gateway",
    "run": "a run and its guard",
}


def _given(context: Context) -> tuple[pulumi.Input[str], list[pulumi.Input[str]]]:
    assert context.settings.vpc is not None
    return context.settings.vpc, list(context.settings.subnets)


def _own(context: Context) -> tuple[pulumi.Input[str], list[pulumi.Input[str]]]:
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
    aws.ec2.Route(
        context.logical("network"),
        route_table_id=table.id,
        destination_cidr_block=EVERYWHERE,
        gateway_id=way_out.id,
        opts=context.child,
    )
    subnets = [_subnet(context, vpc, table, index) for index in (0, 1)]
    _store_endpoint(context, vpc, table)
    return vpc.id, [s.id for s in subnets]


def _subnet(context: Context, vpc: aws.ec2.Vpc, table: aws.ec2.RouteTable, index: int) -> aws.ec2.Subnet:
    # The account decides which zones it has, so they are asked for and not made up of the region's name.
    zones = aws.get_availability_zones_output(
        state="available", opts=pulumi.InvokeOutputOptions(provider=context.child.provider)
    )
    subnet = aws.ec2.Subnet(
        context.logical(f"network-{index}"),
        vpc_id=vpc.id,
        cidr_block=f"10.64.{index}.0/24",
        availability_zone=zones.names[index],
        tags={**context.tags, "Name": name(context.plan, f"network{index}")},
        opts=context.child,
    )
    aws.ec2.RouteTableAssociation(
        context.logical(f"network-{index}"), route_table_id=table.id, subnet_id=subnet.id, opts=context.child
    )
    return subnet


def _store_endpoint(context: Context, vpc: aws.ec2.Vpc, table: aws.ec2.RouteTable) -> None:
    """The store is reached without leaving AWS' network; a gateway endpoint costs nothing."""
    aws.ec2.VpcEndpoint(
        context.logical("store"),
        vpc_id=vpc.id,
        service_name=f"com.amazonaws.{context.settings.region}.s3",
        vpc_endpoint_type="Gateway",
        route_table_ids=[table.id],
        tags=context.tags,
        opts=context.child,
    )


def _group(context: Context, role: str, vpc_id: pulumi.Input[str], what: str) -> aws.ec2.SecurityGroup:
    return aws.ec2.SecurityGroup(
        context.logical(role),
        name=name(context.plan, role, GROUP),
        description=f"unmoor: {what}",
        vpc_id=vpc_id,
        tags=context.tags,
        opts=context.child,
    )


def _rules(context: Context, made: Network) -> None:
    _out_to(context, "front-gateway", made.front, made.gateway, GATEWAY_PORT)
    _in_from(context, "gateway-front", made.gateway, made.front, GATEWAY_PORT)
    if context.settings.front == "alb":
        for port in (443, 80):
            _in_from_everywhere(context, f"front-{port}", made.front, port)
    for port in sorted({443, *_mail_ports(context)}):
        _out_everywhere(context, f"gateway-{port}", made.gateway, port)
    if context.plan.network.egress_any:
        _out_everywhere(context, "run-any", made.run, None)
        if context.plan.run.isolation == "process":
            _out_everywhere(context, "gateway-any", made.gateway, None)
    else:
        _out_everywhere(context, "run-443", made.run, 443)


def _mail_ports(context: Context) -> Iterable[int]:
    return (port for mailbox in context.plan.mailboxes for port in mailbox.ports)


def _out_to(context: Context, role: str, group: aws.ec2.SecurityGroup, to: aws.ec2.SecurityGroup, port: int) -> None:
    aws.vpc.SecurityGroupEgressRule(
        context.logical(role),
        security_group_id=group.id,
        referenced_security_group_id=to.id,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        tags=context.tags,
        opts=context.child,
    )


def _in_from(
    context: Context, role: str, group: aws.ec2.SecurityGroup, source: aws.ec2.SecurityGroup, port: int
) -> None:
    aws.vpc.SecurityGroupIngressRule(
        context.logical(role),
        security_group_id=group.id,
        referenced_security_group_id=source.id,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        tags=context.tags,
        opts=context.child,
    )


def _in_from_everywhere(context: Context, role: str, group: aws.ec2.SecurityGroup, port: int) -> None:
    aws.vpc.SecurityGroupIngressRule(
        context.logical(role),
        security_group_id=group.id,
        cidr_ipv4=EVERYWHERE,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        tags=context.tags,
        opts=context.child,
    )


def _out_everywhere(context: Context, role: str, group: aws.ec2.SecurityGroup, port: int | None) -> None:
    """To any address: on one TCP port, or on everything where port is None."""
    aws.vpc.SecurityGroupEgressRule(
        context.logical(role),
        security_group_id=group.id,
        cidr_ipv4=EVERYWHERE,
        ip_protocol="-1" if port is None else "tcp",
        from_port=port,
        to_port=port,
        tags=context.tags,
        opts=context.child,
    )
