"""The gateway: a container app with HTTPS ingress that scales between its bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_azure_native as az

from unmoor.container import GATEWAY_PORT, HEALTH_PATH, READY_PATH, SERVE, SERVE_ON_S, STOP_GRACE_S
from unmoor.plan import Plan

from .container_sizes import guard_size, instances, replica_of_gateway
from .containers import Container, arguments, registries, secret_references, volumes
from .context import Context
from .guard import URL as GUARD_URL
from .guard import environment, guard
from .identity import Identity, gateway_holders, identity_args, token_obtainable
from .image import ImageRef
from .names import CONSUMPTION, name
from .network import Network
from .runner import Runner, launcher_config
from .secrets import StoredSecret
from .sizes import Size
from .store import Store

# By default Azure would request `/`. A start may take 100 s, since the gateway waits so long for its grants; the first
# look comes when a start is usually over, because a failed one costs ten more seconds.
STARTED_S = 3
PROBES = [
    {
        "type": kind,
        "http_get": {"port": GATEWAY_PORT, "path": path, "scheme": "HTTP"},
        "initial_delay_seconds": STARTED_S if kind == "Startup" else None,
        "period_seconds": 10,
        "timeout_seconds": 5,
        "failure_threshold": failures,
    }
    for kind, path, failures in (
        ("Startup", HEALTH_PATH, 10),
        ("Liveness", HEALTH_PATH, 3),
        ("Readiness", READY_PATH, 3),
    )
]
# Concurrent requests for one replica; event streams count as requests.
REQUESTS_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """The gateway's dependencies; `runner` is None if runs are processes in it."""

    identity: Identity
    image: ImageRef
    store: Store
    network: Network
    secrets: Mapping[str, StoredSecret]
    runner: Runner | None
    domains: list[az.app.CustomDomainArgsDict] | None


def gateway(context: Context, around: Dependencies) -> az.app.ContainerApp:
    """The app with one active revision; revisions have no names, since a name cannot be reused."""
    containers = _containers(context, around)
    return az.app.ContainerApp(
        context.logical("gateway"),
        container_app_name=name(context.plan, "gateway"),
        managed_environment_id=around.network.environment_id,
        workload_profile_name=CONSUMPTION if around.runner else around.network.run_profile,
        identity=identity_args(around.identity),
        configuration={
            "active_revisions_mode": "Single",
            "max_inactive_revisions": 10,
            "ingress": _ingress(around),
            "identity_settings": token_obtainable(around.identity),
            "registries": registries(around.image, around.identity),
            "secrets": secret_references(containers, around.secrets, around.identity),
        },
        template={
            "containers": arguments(containers),
            "volumes": volumes(containers),
            "scale": _scale(context),
            "termination_grace_period_seconds": STOP_GRACE_S,
        },
        **{
            **context.common_args,
            "tags": context.release_tags,
            "opts": context.after(*around.identity.grants, around.store.bundle, *_rights(around)),
        },
    )


def _containers(context: Context, around: Dependencies) -> list[Container]:
    total = replica_of_gateway(context.plan, context.settings)
    assert total is not None, "check() refuses what has no size"
    if around.runner is not None:
        return [_gateway(context, around, total)]
    beside = guard(context, image=around.image, store=around.store, identity=around.identity, ends_with_run=False)
    return [_gateway(context, around, total - guard_size(context.plan)), beside]


def _gateway(context: Context, around: Dependencies, size: Size) -> Container:
    plan = context.plan
    held = plan.secrets_held_by("gateway") if around.runner else plan.secrets_held_by("gateway", "run")
    variables = {**environment(context, around.store, around.identity), **_launcher_environment(around)}
    return Container(
        name="gateway",
        image=around.image.reference,
        command=SERVE,
        environment={
            **variables,
            "UNMOOR_SERVE_ON_S": str(SERVE_ON_S),
            "UNMOOR_VERSIONS": _versions(context.plan, around.secrets),
        },
        secrets=held,
        size=size,
        probes=PROBES,
    )


def _versions(plan: Plan, secrets: Mapping[str, StoredSecret]) -> pulumi.Output[str]:
    """The secrets' URLs with versions: only a changed variable makes a new value a new revision.

    https://learn.microsoft.com/azure/container-apps/manage-secrets
    """
    return pulumi.Output.json_dumps(
        {s.name: secrets[s.name].url for s in plan.secrets_held_by(*gateway_holders(plan))}, sort_keys=True
    )


def _launcher_environment(around: Dependencies) -> dict[str, pulumi.Input[str]]:
    if around.runner is None:
        return {"UNMOOR_LAUNCHER": "process", "UNMOOR_SCHEDULER": "gateway", "UNMOOR_GUARD_URL": GUARD_URL}
    return {
        "UNMOOR_LAUNCHER": "container-apps",
        "UNMOOR_LAUNCHER_CONFIG": launcher_config(around.runner.job),
        "UNMOOR_SCHEDULER": "platform",
    }


def _rights(around: Dependencies) -> Sequence[pulumi.Resource]:
    return [around.runner.right] if around.runner else []


def _ingress(around: Dependencies) -> az.app.IngressArgsDict:
    return {
        "external": True,
        "target_port": GATEWAY_PORT,
        "transport": "auto",
        "allow_insecure": False,
        "traffic": [{"latest_revision": True, "weight": 100}],
        "custom_domains": around.domains,
    }


def _scale(context: Context) -> az.app.ScaleArgsDict:
    at_once: Any = {"metadata": {"concurrentRequests": str(REQUESTS_AT_ONCE)}}
    return {
        "min_replicas": instances(context.plan),
        "max_replicas": context.plan.gateway.max,
        "rules": [{"name": "requests", "http": at_once}],
    }
