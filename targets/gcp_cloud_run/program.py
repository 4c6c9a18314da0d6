"""The one component of the target: the agent on Cloud Run."""

from __future__ import annotations

import dataclasses

import pulumi
import pulumi_gcp as gcp

from unmoor.plan import Plan
from unmoor.target import BuildOptions, Outputs

from .apis import apis
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
    """The agent as resources of the running Pulumi program."""
    return Agent(name, plan, settings, options).outputs


class Agent(pulumi.ComponentResource):
    """Everything of one agent in one environment on Cloud Run."""

    def __init__(self, name: str, plan: Plan, settings: CloudRunSettings, options: BuildOptions) -> None:
        super().__init__("unmoor:gcp-cloud-run:Agent", name)
        context = self._context(name, plan, settings, options)
        self.outputs = _outputs(context)
        self.register_outputs({f.name: getattr(self.outputs, f.name) for f in dataclasses.fields(self.outputs)})

    def _context(self, name: str, plan: Plan, settings: CloudRunSettings, options: BuildOptions) -> Context:
        bare = pulumi.ResourceOptions(parent=self)
        provider = gcp.Provider(f"{name}-gcp", project=settings.project, region=settings.region, opts=bare)
        child = pulumi.ResourceOptions(parent=self, provider=provider)
        return Context(
            name=name,
            plan=plan,
            settings=settings,
            options=options,
            apis=apis(name, plan, settings, child),
            child=child,
            bare=bare,
        )


def _outputs(context: Context) -> Outputs:
    """Makes everything, in the order in which one thing stands on another."""
    where, around = logs(context), dependencies(context)
    fence = guard(context, around)
    runs = runner(context, around, fence)
    front = gateway(context, around, guard=fence, runner=runs)
    schedules(context, around.identities, runs)
    return Outputs(
        url=domain(context, front),
        store_url=around.store.url,
        token=around.secrets[context.plan.gateway.token].value,
        gateway=front.id,
        run=runs.job.id if runs else front.id,
        logs=where,
        image=around.image,
        bundle=context.options.bundle.sha256,
    )
