"""The user's host name: a global load balancer with a certificate from Google.

https://docs.cloud.google.com/load-balancing/docs/https/setup-global-ext-https-serverless
"""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from .context import Context
from .names import certificate_name

SCHEME = "EXTERNAL_MANAGED"


def domain(context: Context, gateway: gcp.cloudrunv2.Service) -> pulumi.Output[str]:
    """The gateway's public URL: its domain, or Cloud Run's name for it."""
    if context.plan.network.domain is None:
        return gateway.uri
    address = gcp.compute.GlobalAddress(
        context.logical("domain"),
        **context.compute("domain"),
        address_type="EXTERNAL",
        labels=context.labels,
    )
    _https(context, address, _backend(context, gateway))
    _redirect(context, address)
    _dns_record(context, address)
    return pulumi.Output.from_input(f"https://{context.plan.network.domain}")


def _backend(context: Context, gateway: gcp.cloudrunv2.Service) -> gcp.compute.BackendService:
    """The gateway as a backend of the load balancer."""
    endpoints = gcp.compute.RegionNetworkEndpointGroup(
        context.logical("domain"),
        **context.compute("domain"),
        region=context.settings.region,
        network_endpoint_type="SERVERLESS",
        cloud_run={"service": gateway.name},
    )
    return gcp.compute.BackendService(
        context.logical("domain"),
        **context.compute("domain"),
        load_balancing_scheme=SCHEME,
        protocol="HTTPS",
        backends=[{"group": endpoints.id}],
        log_config={"enable": True, "sample_rate": 1},
    )


def _https(context: Context, address: gcp.compute.GlobalAddress, backend: gcp.compute.BackendService) -> None:
    """HTTPS on 443, TLS 1.2 and later."""
    certificate = gcp.compute.ManagedSslCertificate(
        context.logical("domain"),
        name=certificate_name(context.plan),
        managed={"domains": [context.plan.network.domain or ""]},
        opts=context.using("compute"),
    )
    policy = gcp.compute.SSLPolicy(
        context.logical("domain"),
        **context.compute("domain"),
        profile="MODERN",
        min_tls_version="TLS_1_2",
    )
    routes = gcp.compute.URLMap(
        context.logical("domain"),
        **context.compute("domain"),
        default_service=backend.id,
    )
    proxy = gcp.compute.TargetHttpsProxy(
        context.logical("domain"),
        **context.compute("domain"),
        url_map=routes.id,
        ssl_certificates=[certificate.id],
        ssl_policy=policy.id,
    )
    _forward(context, "domain", address, target=proxy.id, port=443)


def _redirect(context: Context, address: gcp.compute.GlobalAddress) -> None:
    """HTTP on 80, which only redirects to HTTPS."""
    routes = gcp.compute.URLMap(
        context.logical("redirect"),
        **context.compute("redirect"),
        default_url_redirect={
            "https_redirect": True,
            "strip_query": False,
            "redirect_response_code": "MOVED_PERMANENTLY_DEFAULT",
        },
    )
    proxy = gcp.compute.TargetHttpProxy(
        context.logical("redirect"),
        **context.compute("redirect"),
        url_map=routes.id,
    )
    _forward(context, "redirect", address, target=proxy.id, port=80)


def _forward(
    context: Context, role: str, address: gcp.compute.GlobalAddress, *, target: pulumi.Input[str], port: int
) -> None:
    gcp.compute.GlobalForwardingRule(
        context.logical(role),
        **context.compute(role),
        load_balancing_scheme=SCHEME,
        ip_protocol="TCP",
        ip_address=address.address,
        port_range=str(port),
        target=target,
        labels=context.labels,
    )


def _dns_record(context: Context, address: gcp.compute.GlobalAddress) -> None:
    """Without a zone the user creates the record; Google issues the certificate once it exists."""
    zone = context.settings.dns_zone
    if zone is None:
        return
    project = zone.split("/")[1] if "/" in zone else context.settings.project
    gcp.dns.RecordSet(
        context.logical("domain"),
        project=project,
        managed_zone=zone.rsplit("/", 1)[-1],
        name=f"{context.plan.network.domain}.",
        type="A",
        ttl=300,
        rrdatas=[address.address],
        opts=context.using("dns"),
    )
