"""The network: none by default, an existing one, or a new one for a static address.

A used subnetwork cannot be deleted until an hour or two after its containers.
https://docs.cloud.google.com/run/docs/configuring/vpc-direct-vpc#subnet-deletion
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_gcp as gcp

from .context import Context

# Cloud Run uses up to two addresses for each instance; 4096 are enough.
RANGE = "10.128.0.0/20"
EGRESS = {"private-ranges-only": "PRIVATE_RANGES_ONLY", "all-traffic": "ALL_TRAFFIC"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The network of containers, and the traffic that uses it; `before` must exist first."""

    network: pulumi.Input[str] | None = None
    subnetwork: pulumi.Input[str] | None = None
    egress: str = ""
    before: tuple[pulumi.Resource, ...] = ()

    def vpc_access(self) -> Any:
        """The network in the template of a service or a job."""
        if not self.egress:
            return None
        return {"egress": self.egress, "network_interfaces": [{"network": self.network, "subnetwork": self.subnetwork}]}


def network(context: Context) -> Network:
    settings = context.settings
    if settings.static_address:
        return _with_static_address(context)
    if not (settings.network or settings.subnetwork):
        return Network()
    egress = EGRESS[settings.vpc_egress or "private-ranges-only"]
    return Network(network=settings.network, subnetwork=settings.subnetwork, egress=egress)


def _with_static_address(context: Context) -> Network:
    """All traffic leaves by the address of a NAT for this subnetwork."""
    net, subnet = _network_and_subnet(context)
    address = gcp.compute.Address(
        context.logical("egress"),
        **context.compute("egress"),
        region=context.settings.region,
        address_type="EXTERNAL",
        labels=context.labels,
    )
    router = gcp.compute.Router(
        context.logical("egress"),
        **context.compute("egress"),
        region=context.settings.region,
        network=net,
    )
    nat = gcp.compute.RouterNat(
        context.logical("egress"),
        **context.compute("egress"),
        region=context.settings.region,
        router=router.name,
        nat_ip_allocate_option="MANUAL_ONLY",
        nat_ips=[address.self_link],
        source_subnetwork_ip_ranges_to_nat="LIST_OF_SUBNETWORKS",
        subnetworks=[{"name": subnet, "source_ip_ranges_to_nats": ["ALL_IP_RANGES"]}],
        log_config={"enable": True, "filter": "ERRORS_ONLY"},
    )
    return Network(network=net, subnetwork=subnet, egress="ALL_TRAFFIC", before=(nat,))


def _network_and_subnet(context: Context) -> tuple[pulumi.Input[str], pulumi.Input[str]]:
    if context.settings.network and context.settings.subnetwork:
        return context.settings.network, _full_name(context, context.settings.subnetwork)
    net = gcp.compute.Network(
        context.logical("network"),
        **context.compute("network"),
        auto_create_subnetworks=False,
    )
    subnet = gcp.compute.Subnetwork(
        context.logical("network"),
        **context.compute("network"),
        region=context.settings.region,
        network=net.id,
        ip_cidr_range=RANGE,
        private_ip_google_access=True,
    )
    return net.id, subnet.id


def _full_name(context: Context, subnetwork: str) -> str:
    """The full name of a subnetwork, which a NAT needs."""
    if "/" in subnetwork:
        return subnetwork
    return f"projects/{context.settings.project}/regions/{context.settings.region}/subnetworks/{subnetwork}"
