"""The user's host name: its certificate, existing or created, and its DNS record if the zone is configured."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from .context import Context


def certificate_arn(context: Context) -> pulumi.Input[str]:
    """The ARN of an issued certificate for the plan's domain; a new one is validated by a record in the zone."""
    if context.settings.certificate is not None:
        return context.settings.certificate
    certificate = aws.acm.Certificate(
        context.logical("domain"),
        domain_name=context.plan.network.domain,
        validation_method="DNS",
        **context.common_args,
    )
    proof = certificate.domain_validation_options[0]
    record = aws.route53.Record(
        context.logical("domain-proof"),
        zone_id=_zone(context),
        name=proof.resource_record_name,
        type=proof.resource_record_type,
        records=[proof.resource_record_value],
        ttl=300,
        allow_overwrite=True,
        opts=context.child,
    )
    return aws.acm.CertificateValidation(
        context.logical("domain"),
        certificate_arn=certificate.arn,
        validation_record_fqdns=[record.fqdn],
        opts=context.child,
    ).certificate_arn


def http_api_domain(context: Context, api: aws.apigatewayv2.Api, stage: aws.apigatewayv2.Stage) -> pulumi.Input[str]:
    """Point the domain to the HTTP API; the name for the user's record, empty if the zone has one."""
    domain = aws.apigatewayv2.DomainName(
        context.logical("domain"),
        domain_name=_domain(context),
        domain_name_configuration={
            "certificate_arn": certificate_arn(context),
            "endpoint_type": "REGIONAL",
            "security_policy": "TLS_1_2",
        },
        **context.common_args,
    )
    aws.apigatewayv2.ApiMapping(
        context.logical("domain"), api_id=api.id, domain_name=domain.id, stage=stage.id, opts=context.child
    )
    reached = domain.domain_name_configuration
    return _address(context, reached.target_domain_name, reached.hosted_zone_id)


def balancer_address(context: Context, balancer: aws.lb.LoadBalancer) -> pulumi.Input[str]:
    """Point the domain to the load balancer; the name for the user's record, empty if the zone has one."""
    return _address(context, balancer.dns_name, balancer.zone_id)


def _address(context: Context, target: pulumi.Input[str], zone: pulumi.Input[str]) -> pulumi.Input[str]:
    """The name that the user's record must point to, empty if the zone is configured."""
    if context.settings.hosted_zone_id is None:
        return target
    aws.route53.Record(
        context.logical("domain"),
        zone_id=_zone(context),
        name=_domain(context),
        type="A",
        aliases=[{"name": target, "zone_id": zone, "evaluate_target_health": False}],
        opts=context.child,
    )
    return ""


def _domain(context: Context) -> str:
    assert context.plan.network.domain is not None
    return context.plan.network.domain


def _zone(context: Context) -> str:
    assert context.settings.hosted_zone_id is not None, "check() refuses a domain without zone or certificate"
    return context.settings.hosted_zone_id
