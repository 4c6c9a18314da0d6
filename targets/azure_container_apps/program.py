"""The one component of the target: the agent on Container Apps."""

from __future__ import annotations

import dataclasses

import pulumi
import pulumi_azure_native as az
import pulumi_random as random

from unmoor.plan import Plan
from unmoor.plan.physical_names import tags
from unmoor.target import BuildOptions, Outputs

from .context import Context
from .domain import certificate_reader, custom_domains, managed_certificate, url
from .gateway import Dependencies, gateway
from .identity import identities
from .image import image
from .logs import Logs, logs
from .names import GROUP, UNIQUE_BYTES, before_digits
from .network import network
from .runner import JobTemplate, runner
from .schedules import schedules
from .secrets import secrets
from .settings import ContainerAppsSettings
from .store import store


def build(name: str, plan: Plan, settings: ContainerAppsSettings, options: BuildOptions) -> Outputs:
    """The agent as resources of the running Pulumi program."""
    return Agent(name, plan, settings, options).outputs


class Agent(pulumi.ComponentResource):
    """Everything of one agent in one environment on Container Apps."""

    def __init__(self, name: str, plan: Plan, settings: ContainerAppsSettings, options: BuildOptions) -> None:
        super().__init__("unmoor:azure-container-apps:Agent", name)
        context = self._context(name, plan, settings, options)
        self.outputs = _agent(context)
        self.register_outputs({f.name: getattr(self.outputs, f.name) for f in dataclasses.fields(self.outputs)})

    def _context(self, name: str, plan: Plan, settings: ContainerAppsSettings, options: BuildOptions) -> Context:
        bare = pulumi.ResourceOptions(parent=self)
        provider = az.Provider(
            f"{name}-azure", location=settings.location, subscription_id=settings.subscription_id, opts=bare
        )
        child = pulumi.ResourceOptions(parent=self, provider=provider)
        kept = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(retain_on_delete=not settings.destroy_data))
        login = az.authorization.get_client_config_output(
            opts=pulumi.InvokeOutputOptions(parent=self, provider=provider)
        )
        digits = random.RandomId(f"{name}-names", byte_length=UNIQUE_BYTES, opts=bare).hex
        return Context(
            name=name,
            plan=plan,
            settings=settings,
            options=options,
            subscription=settings.subscription_id or login.subscription_id,
            tenant=login.tenant_id,
            group=settings.resource_group or _group(name, plan, settings, digits, kept).name,
            digits=digits,
            child=child,
            bare=bare,
            kept=kept,
        )


def _group(
    name: str, plan: Plan, settings: ContainerAppsSettings, digits: pulumi.Output[str], kept: pulumi.ResourceOptions
) -> az.resources.ResourceGroup:
    """A group that is deleted takes all that is in it along, so it is kept as long as the store is."""
    return az.resources.ResourceGroup(
        f"{name}-group",
        resource_group_name=pulumi.Output.concat(before_digits(plan, GROUP), digits),
        location=settings.location,
        tags=tags(plan),
        opts=kept,
    )


def _agent(context: Context) -> Outputs:
    around, kept_logs = _surroundings(context)
    app = gateway(context, around)
    managed_certificate(context, around.network, app)
    return Outputs(
        url=url(context, app),
        store_url=around.store.url,
        token=around.secrets[context.plan.gateway.token].value,
        gateway=app.id,
        run=around.runner.job.id if around.runner else app.id,
        logs=kept_logs.workspace.id,
        image=around.image.reference,
        bundle=context.options.bundle.sha256,
    )


def _surroundings(context: Context) -> tuple[Dependencies, Logs]:
    kept, hidden, built, kept_logs = store(context), secrets(context), image(context), logs(context)
    who = identities(context, store=kept, secrets=hidden, image=built)
    reader = certificate_reader(context)
    net = network(context, kept_logs, certificate_by=reader.identity.id if reader else None)
    starts = None
    if who.run is not None:
        runs = JobTemplate(identity=who.run, image=built, store=kept, network=net, secrets=hidden)
        starts = runner(context, runs, who)
        schedules(context, runs)
    around = Dependencies(
        identity=who.gateway,
        image=built,
        store=kept,
        network=net,
        secrets=hidden,
        runner=starts,
        domains=custom_domains(context, net, reader),
    )
    return around, kept_logs
