"""Networks: only the proxy's `edge` and the guard's `out` reach the outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi_docker as docker

from .context import Context, label_list
from .names import name

# Since Docker 27.1 such a network cannot reach the machine; on older engines the bridge's address is reachable:
# https://docs.docker.com/engine/network/drivers/bridge/
ISOLATED = {"com.docker.network.bridge.gateway_mode_ipv4": "isolated"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """`edge` leads to the proxy, `out` from the guard to the internet; the others join two parts each."""

    edge: docker.Network
    front: docker.Network
    launch: docker.Network | None
    runs: docker.Network
    out: docker.Network


def networks(context: Context) -> Networks:
    """Every network of the agent; `launch` only if runs have their own containers."""
    apart = context.isolated_runs
    return Networks(
        edge=_network(context, "edge", inside=False),
        front=_network(context, "front", inside=True),
        launch=_network(context, "launch", inside=True) if apart else None,
        runs=_network(context, "runs", inside=True),
        out=_network(context, "out", inside=False),
    )


def network_aliases(networks: Mapping[str, docker.Network]) -> list[docker.ContainerNetworksAdvancedArgsDict]:
    """Networks by alias, as a container takes them."""
    return [{"name": network.name, "aliases": [alias.split("@")[0]]} for alias, network in sorted(networks.items())]


def _network(context: Context, role: str, *, inside: bool) -> docker.Network:
    return docker.Network(
        context.logical(role),
        name=name(context.plan, role),
        driver="bridge",
        internal=inside,
        options=ISOLATED if inside else None,
        labels=label_list(context.lasting),
        opts=context.child,
    )
