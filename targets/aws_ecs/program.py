"""The agent on ECS."""

from __future__ import annotations

import pulumi_aws as aws

from unmoor.plan import Plan
from unmoor.target import BuildOptions, Outputs
from unmoor.target.component import build_component

from .context import Context
from .front import front
from .gateway import GatewayDependencies, gateway
from .identity import identities
from .image import image
from .logs import logs
from .names import log_group
from .network import network
from .runner import runner
from .schedules import schedules
from .secrets import secrets
from .settings import EcsSettings
from .store import store


def build(name: str, plan: Plan, settings: EcsSettings, options: BuildOptions) -> Outputs:
    """Create the agent's resources in the running Pulumi program."""
    return build_component(
        Context,
        "aws-ecs",
        (name, plan, settings, options),
        provider=lambda opts: aws.Provider(f"{name}-aws", region=settings.region, opts=opts),
        create=_agent,
    )


def _agent(context: Context) -> Outputs:
    net, log_groups, bucket, stored, built = (
        network(context),
        logs(context),
        store(context),
        secrets(context),
        image(context),
    )
    roles = identities(context, store=bucket, secrets=stored, image=built, logs=log_groups)
    runs = runner(context, identities=roles, image=built, store=bucket, logs=log_groups, secrets=stored)
    dependencies = GatewayDependencies(
        network=net,
        identities=roles,
        image=built,
        store=bucket,
        logs=log_groups,
        secrets=stored,
        runner=runs,
        front=front(context, net, log_groups),
    )
    service = gateway(context, dependencies)
    schedules(context, runs, net)
    return Outputs(
        url=dependencies.front.url,
        store_url=bucket.url,
        token=stored[context.plan.gateway.token].value,
        gateway=service.id,
        run=runs.task.arn if runs.task else service.id,
        logs=log_group(context.plan, ""),
        image=built.reference,
        bundle=context.options.bundle.sha256,
        dns_target=dependencies.front.dns_target,
    )
