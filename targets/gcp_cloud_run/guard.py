"""The guard: its own service, with the only account that may read the model key; only runs may call it.

Each run has an instance of its own, of a fraction of a processor, while it has a connection.

A caller sends an identity token for the guard's URL in X-Serverless-Authorization.
https://docs.cloud.google.com/run/docs/authenticating/service-to-service
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from unmoor.container import GUARD, GUARD_PORT

from .container_sizes import guard_instances, guard_size
from .containers import Container
from .context import Context
from .dependencies import Dependencies
from .service import Serving, service

INVOKER = "roles/run.invoker"
# For the unpacked bundle.
WORK_MIB = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """The guard's service and URL, and the right of runs to call it."""

    service: gcp.cloudrunv2.Service
    url: pulumi.Output[str]
    caller: gcp.cloudrunv2.ServiceIamMember


def guard(context: Context, around: Dependencies) -> Guard:
    container = Container(
        name="guard",
        image=around.image,
        args=GUARD,
        environment=context.environment(around.store.url),
        secrets=[around.secrets[s.name] for s in context.plan.secrets_held_by("guard")],
        size=guard_size(context.plan),
        work_mib=WORK_MIB,
        port=GUARD_PORT,
    )
    # Jobs without a network reach it only by its public address; it answers only callers with a token.
    serving = Serving(
        ingress="INGRESS_TRAFFIC_ALL",
        open_to_all=False,
        least=0,
        most=guard_instances(context.plan),
        requests=1,
        generation=1,
        cpu_idle=True,
    )
    created = service(
        context,
        container,
        serving,
        account=around.identities.guard,
        network=around.network,
        after=around.rights["guard"],
    )
    caller = gcp.cloudrunv2.ServiceIamMember(
        context.logical("guard-caller"),
        name=created.name,
        location=context.settings.region,
        role=INVOKER,
        member=around.identities.caller.member,
        opts=context.child,
    )
    return Guard(service=created, url=created.uri, caller=caller)
