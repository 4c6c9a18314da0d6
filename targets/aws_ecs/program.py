"""The one component of the target: the agent on ECS."""

from __future__ import annotations

import dataclasses

import pulumi
import pulumi_aws as aws

from unmoor.plan import Plan
from unmoor.target import BuildOptions, Outputs

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
    """The agent as resources of the running Pulumi program."""
    return Agent(name, plan, settings, options).outputs


class Agent(pulumi.ComponentResource):
    """Everything of one agent in one environment on ECS."""

    def __init__(self, name: str, plan: Plan, settings: EcsSettings, options: BuildOptions) -> None:
        super().__init__("unmoor:aws-ecs:Agent", name)
        context = self._context(name, plan, settings, options)
        around = _surroundings(context)
        service = gateway(context, around)
        schedules(context, around.runner, around.network)
        self.outputs = Outputs(
            url=around.front.url,
            store_url=around.store.url,
            token=around.secrets[plan.gateway.token].value,
            gateway=service.id,
            run=around.runner.task.arn if around.runner.task else service.id,
            logs=log_group(plan, ""),
            image=around.image.reference,
            bundle=options.bundle.sha256,
        )
        self.register_outputs({f.name: getattr(self.outputs, f.name) for f in dataclasses.fields(self.outputs)})

    def _context(self, name: str, plan: Plan, settings: EcsSettings, options: BuildOptions) -> Context:
        bare = pulumi.ResourceOptions(parent=self)
        provider = aws.Provider(f"{name}-aws", region=settings.region, opts=bare)
        child = pulumi.ResourceOptions(parent=self, provider=provider)
        keep = pulumi.ResourceOptions(retain_on_delete=not settings.destroy_data)
        return Context(
            name=name,
            plan=plan,
            settings=settings,
            options=options,
            child=child,
            bare=bare,
            kept=pulumi.ResourceOptions.merge(child, keep),
        )


def _surroundings(context: Context) -> GatewayDependencies:
    net, kept_logs, kept, hidden, built = (
        network(context),
        logs(context),
        store(context),
        secrets(context),
        image(context),
    )
    roles = identities(context, store=kept, secrets=hidden, image=built, logs=kept_logs)
    runs = runner(context, identities=roles, image=built, store=kept, logs=kept_logs, secrets=hidden)
    return GatewayDependencies(
        network=net,
        identities=roles,
        image=built,
        store=kept,
        logs=kept_logs,
        secrets=hidden,
        runner=runs,
        front=front(context, net, kept_logs),
    )
