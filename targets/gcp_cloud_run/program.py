"""The agent on Cloud Run."""

from __future__ import annotations

from typing import Any

import pulumi_gcp as gcp

from unmoor.plan import Plan
from unmoor.target import BuildOptions, Outputs
from unmoor.target.component import build_component

from .context import Context
from .dependencies import dependencies
from .domain import domain
from .gateway import gateway
from .guard import guard
from .logs import logs
from .runner import runner
from .schedules import schedules
from .settings import CloudRunSettings


def build(name: str, plan: Plan, settings: CloudRunSettings, options: BuildOptions) -> Outputs:
    """Create the agent's resources in the running Pulumi program."""
    where: Any = {"project": settings.project, "region": settings.region}
    return build_component(
        Context,
        "gcp-cloud-run",
        (name, plan, settings, options),
        provider=lambda opts: gcp.Provider(f"{name}-gcp", **where, opts=opts),
        create=_agent,
    )


def _agent(context: Context) -> Outputs:
    log_bucket, around = logs(context), dependencies(context)
    guarding = guard(context, around)
    runs = runner(context, around, guarding)
    front = gateway(context, around, guard=guarding, runner=runs)
    schedules(context, around.identities, runs)
    return Outputs(
        url=domain(context, front),
        store_url=around.store.url,
        token=around.secrets[context.plan.gateway.token].value,
        gateway=front.id,
        run=runs.job.id if runs else front.id,
        logs=log_bucket,
        image=around.image,
        bundle=context.options.bundle.sha256,
    )
