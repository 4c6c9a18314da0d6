"""The gateway: its maximum number of containers, behind the proxy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from unmoor.container import GATEWAY_PORT, SERVE, SERVE_ON_BRIEFLY_S
from unmoor.plan import Holder
from unmoor.quantities import whole_days

from . import secrets as hidden
from . import store as kept
from .containers import HardenedContainer, hardened_container
from .context import Context
from .guard import URL as GUARD_URL
from .guard import environment
from .network import Networks
from .runner import URL as LAUNCHER_URL
from .secrets import Secrets
from .store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """A gateway's dependencies; `before` must exist before the first one, `beside` before the others."""

    image: pulumi.Input[str]
    networks: Networks
    store: Store
    secrets: Secrets
    before: Sequence[docker.Container]
    beside: Sequence[docker.Container]


def aliases(context: Context) -> list[str]:
    """The gateway containers' names in the proxy's network."""
    return [f"gateway-{index}" for index in range(context.plan.gateway.max)]


def gateways(context: Context, around: Dependencies) -> list[docker.Container]:
    """The gateway's containers: the first, and once it is healthy the others, so that one always answers.

    The others equal the first, so the deployment does not wait for them.
    """
    first, *others = aliases(context)
    created = _gateway(context, around, first, after=())
    return [created, *(_gateway(context, around, other, after=(created, *around.beside)) for other in others)]


def _gateway(
    context: Context, around: Dependencies, alias: str, *, after: Sequence[docker.Container]
) -> docker.Container:
    holders: tuple[Holder, ...] = ("gateway", "run") if not context.isolated_runs else ("gateway",)
    access = {**kept.RUN, **kept.GATEWAY} if not context.isolated_runs else kept.GATEWAY
    what = HardenedContainer(
        role=alias,
        image=around.image,
        command=SERVE,
        environment={**environment(context), **_launcher_environment(context)},
        networks=_networks(context, around.networks, alias),
        mounts=[
            *kept.mounts(around.store, access),
            *(m for h in holders for m in hidden.mounts(context, around.secrets, h)),
        ],
        cpu=context.plan.service_cpu,
        memory_mib=context.plan.service_memory_mib,
        port=GATEWAY_PORT,
        works=not context.isolated_runs,
        waited_for=not after,
        labels=hidden.labels(context, around.secrets, *holders),
    )
    return hardened_container(context, what, after=[*around.before, *after])


def _networks(context: Context, networks: Networks, alias: str) -> dict[str, docker.Network]:
    """The proxy's network, the launcher's or the guard's, and egress only to read mailboxes."""
    joined = {alias: networks.front}
    if networks.launch is not None:
        joined[f"{alias}@launch"] = networks.launch
    else:
        joined[f"{alias}@runs"] = networks.runs
    if context.plan.mailboxes:
        joined[f"{alias}@out"] = networks.out
    return joined


def _launcher_environment(context: Context) -> dict[str, str]:
    """Launcher, scheduler and expiry are the gateway's."""
    kept_days = str(whole_days(context.plan.retention.runs_s))
    common = {
        "UNMOOR_SCHEDULER": "gateway",
        "UNMOOR_SWEEP_AFTER_DAYS": kept_days,
        "UNMOOR_GUARD_URL": GUARD_URL,
        # The proxy sees within 2 s that it is not ready, and sends requests to another one.
        "UNMOOR_SERVE_ON_S": str(SERVE_ON_BRIEFLY_S),
    }
    if not context.isolated_runs:
        return {**common, "UNMOOR_LAUNCHER": "process"}
    config = json.dumps({"url": LAUNCHER_URL}, sort_keys=True)
    return {**common, "UNMOOR_LAUNCHER": "docker", "UNMOOR_LAUNCHER_CONFIG": config}
