"""The gateway's public entry: an HTTP API over a VPC link, or a load balancer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from unmoor.container import GATEWAY_PORT, HEALTH_PATH

from .context import Context
from .domain import balancer_address, certificate_arn, http_api_domain
from .logs import Logs
from .names import API, BALANCER, NAMESPACE, name
from .network import Network

# The longest idle time of a load balancer.
IDLE_TIMEOUT_S = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """The gateway's public address, the inputs that attach its service, what must exist before the service, and the
    name that the user's DNS record must point to."""

    url: pulumi.Input[str]
    attachment: Mapping[str, Any]
    before: tuple[pulumi.Resource, ...]
    dns_target: pulumi.Input[str] = ""


def front(context: Context, network: Network, logs: Logs) -> Front:
    return _balancer(context, network) if context.settings.front == "alb" else _http_api(context, network, logs)


def _http_api(context: Context, network: Network, logs: Logs) -> Front:
    """The API finds the tasks through Cloud Map and reaches them over the VPC link. Neither costs anything while
    idle.
    """
    found = _discovery(context, network)
    api = aws.apigatewayv2.Api(
        context.logical("gateway"),
        name=name(context.plan, "gateway", API),
        protocol_type="HTTP",
        # With a domain, the API's default endpoint would be a second entry.
        disable_execute_api_endpoint=context.plan.network.domain is not None,
        **context.common_args,
    )
    _integration(context, network, api, found)
    stage = _stage(context, api, logs)
    dns_target = http_api_domain(context, api, stage) if context.plan.network.domain is not None else ""
    url = f"https://{context.plan.network.domain}" if context.plan.network.domain else api.api_endpoint
    registry = {"registry_arn": found.arn, "container_name": "gateway", "container_port": GATEWAY_PORT}
    return Front(url=url, attachment={"service_registries": registry}, before=(), dns_target=dns_target)


def _discovery(context: Context, network: Network) -> aws.servicediscovery.Service:
    namespace = aws.servicediscovery.PrivateDnsNamespace(
        context.logical("gateway"),
        name=f"{name(context.plan, '', NAMESPACE)}.internal",
        vpc=network.vpc_id,
        **context.common_args,
    )
    return aws.servicediscovery.Service(
        context.logical("gateway"),
        name="gateway",
        dns_config={
            "namespace_id": namespace.id,
            "routing_policy": "MULTIVALUE",
            "dns_records": [{"ttl": 10, "type": "SRV"}],
        },
        # Without it Cloud Map returns tasks that are not healthy. The provider drops an empty block:
        # https://docs.aws.amazon.com/cloud-map/latest/api/API_DiscoverInstances.html
        # https://github.com/hashicorp/terraform-provider-aws/issues/44285
        health_check_custom_config={"failure_threshold": 1},
        force_destroy=True,
        **context.common_args,
    )


def _integration(
    context: Context, network: Network, api: aws.apigatewayv2.Api, found: aws.servicediscovery.Service
) -> None:
    integration = aws.apigatewayv2.Integration(
        context.logical("gateway"),
        api_id=api.id,
        integration_type="HTTP_PROXY",
        integration_method="ANY",
        integration_uri=found.arn,
        connection_type="VPC_LINK",
        connection_id=context.settings.vpc_link_id or _vpc_link(context, network),
        payload_format_version="1.0",
        timeout_milliseconds=30000,
        opts=context.child,
    )
    aws.apigatewayv2.Route(
        context.logical("gateway"),
        api_id=api.id,
        route_key="$default",
        target=pulumi.Output.concat("integrations/", integration.id),
        opts=context.child,
    )


def _vpc_link(context: Context, network: Network) -> pulumi.Output[str]:
    """The id of the agent's own VPC link."""
    return aws.apigatewayv2.VpcLink(
        context.logical("gateway"),
        name=name(context.plan, "gateway", API),
        security_group_ids=[network.front.id],
        subnet_ids=network.subnets,
        **context.common_args,
    ).id


def _stage(context: Context, api: aws.apigatewayv2.Api, logs: Logs) -> aws.apigatewayv2.Stage:
    """The stage; its access log has no headers and no bodies."""
    line = {"id": "$context.requestId", "ip": "$context.identity.sourceIp", "status": "$context.status"}
    line |= {"method": "$context.httpMethod", "path": "$context.path", "at": "$context.requestTime"}
    return aws.apigatewayv2.Stage(
        context.logical("gateway"),
        api_id=api.id,
        name="$default",
        auto_deploy=True,
        access_log_settings={
            "destination_arn": logs.front.arn,
            "format": pulumi.Output.json_dumps(line, sort_keys=True),
        },
        default_route_settings={"throttling_burst_limit": 200, "throttling_rate_limit": 100},
        **context.common_args,
    )


def _balancer(context: Context, network: Network) -> Front:
    balancer = aws.lb.LoadBalancer(
        context.logical("gateway"),
        name=name(context.plan, "gateway", BALANCER),
        load_balancer_type="application",
        internal=False,
        subnets=network.front_subnets,
        security_groups=[network.front.id],
        idle_timeout=IDLE_TIMEOUT_S,
        drop_invalid_header_fields=True,
        **context.common_args,
    )
    group = _target_group(context, network)
    listener = _listeners(context, balancer, group)
    dns_target = balancer_address(context, balancer)
    attached = {"target_group_arn": group.arn, "container_name": "gateway", "container_port": GATEWAY_PORT}
    url = f"https://{context.plan.network.domain}"
    return Front(url=url, attachment={"load_balancers": [attached]}, before=(listener,), dns_target=dns_target)


def _target_group(context: Context, network: Network) -> aws.lb.TargetGroup:
    return aws.lb.TargetGroup(
        context.logical("gateway"),
        name=name(context.plan, "gateway", BALANCER),
        target_type="ip",
        protocol="HTTP",
        port=GATEWAY_PORT,
        vpc_id=network.vpc_id,
        deregistration_delay=30,
        health_check={
            "path": HEALTH_PATH,
            "matcher": "200",
            "interval": 10,
            "timeout": 5,
            "healthy_threshold": 2,
            "unhealthy_threshold": 3,
        },
        **context.common_args,
    )


def _listeners(context: Context, balancer: aws.lb.LoadBalancer, group: aws.lb.TargetGroup) -> aws.lb.Listener:
    to_https: Any = {"port": "443", "protocol": "HTTPS", "status_code": "HTTP_301"}
    aws.lb.Listener(
        context.logical("gateway-80"),
        load_balancer_arn=balancer.arn,
        port=80,
        protocol="HTTP",
        default_actions=[{"type": "redirect", "redirect": to_https}],
        **context.common_args,
    )
    return aws.lb.Listener(
        context.logical("gateway-443"),
        load_balancer_arn=balancer.arn,
        port=443,
        protocol="HTTPS",
        ssl_policy="ELBSecurityPolicy-TLS13-1-2-2021-06",
        certificate_arn=certificate_arn(context),
        default_actions=[{"type": "forward", "target_group_arn": group.arn}],
        **context.common_args,
    )
