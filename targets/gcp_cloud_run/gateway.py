"""The gateway: a public service, directly or behind the load balancer of its domain."""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from unmoor.container import GATEWAY_PORT, SERVE, SERVE_ON_BRIEFLY_S

from .container_sizes import (
    disk_mib,
    has_cpu_between_requests,
    instances,
    service_request,
    smallest_legal_size,
)
from .containers import Container
from .context import Context
from .dependencies import Dependencies
from .guard import INVOKER, Guard
from .identity import parts
from .runner import Runner, launcher_config
from .service import Serving, service

# Concurrent requests of one instance: most are waiting streams.
REQUESTS = 80
# For the unpacked bundle.
WORK_MIB = 64


def gateway(context: Context, around: Dependencies, *, guard: Guard, runner: Runner | None) -> gcp.cloudrunv2.Service:
    """The service, open to the public; it checks tokens and signatures itself."""
    held = context.plan.secrets_held_by(*parts(context.plan, "gateway"))
    container = Container(
        name="gateway",
        image=around.image,
        args=SERVE,
        environment={**context.environment(around.store.url), **_launcher_environment(context, guard)},
        secrets=[around.secrets[s.name] for s in held],
        size=smallest_legal_size(service_request(context.plan, context.settings)),
        port=GATEWAY_PORT,
        work_mib=WORK_MIB if context.isolated_runs else disk_mib(context.plan, context.settings),
        medium="MEMORY" if context.isolated_runs else context.settings.disk.upper(),
    )
    created = service(
        context,
        container,
        _service_settings(context),
        account=around.identities.gateway,
        network=around.network,
        after=[*around.rights["gateway"], *(runner.rights if runner else [guard.caller])],
    )
    if context.settings.public_access == "all_users":
        gcp.cloudrunv2.ServiceIamMember(
            context.logical("gateway-public"),
            name=created.name,
            location=context.settings.region,
            role=INVOKER,
            member="allUsers",
            opts=context.child,
        )
    return created


def _service_settings(context: Context) -> Serving:
    """With a domain, Google's own address is closed."""
    behind = context.plan.network.domain is not None
    return Serving(
        ingress="INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" if behind else "INGRESS_TRAFFIC_ALL",
        open_to_all=context.settings.public_access == "invoker_iam_disabled",
        least=instances(context.plan),
        most=max(context.plan.gateway.max, instances(context.plan)),
        requests=REQUESTS,
        cpu_idle=not has_cpu_between_requests(context.plan),
    )


def _launcher_environment(context: Context, guard: Guard) -> dict[str, pulumi.Input[str]]:
    if not context.isolated_runs:
        # It does not serve on: runs beside it need the 10 s to end.
        return {"UNMOOR_LAUNCHER": "process", "UNMOOR_SCHEDULER": "gateway", "UNMOOR_GUARD_URL": guard.url}
    # A run that ends wakes the gateway. With a domain, Cloud Run's own address, the default, is closed.
    domain = context.plan.network.domain
    return {
        "UNMOOR_LAUNCHER": "cloud-run",
        "UNMOOR_LAUNCHER_CONFIG": launcher_config(context),
        "UNMOOR_SCHEDULER": "platform",
        "UNMOOR_SERVE_ON_S": str(SERVE_ON_BRIEFLY_S),
        **({"UNMOOR_GATEWAY_URL": f"https://{domain}"} if domain else {}),
    }
