"""The agent on Container Apps."""

from __future__ import annotations

from typing import Any

import pulumi_azure_native as az

from unmoor.plan import Plan
from unmoor.target import BuildOptions, Outputs
from unmoor.target.component import build_component

from .context import Context
from .domain import certificate_reader, custom_domains, managed_certificate, url
from .gateway import Dependencies, gateway
from .identity import identities
from .image import image
from .logs import logs
from .network import network
from .runner import JobTemplate, runner
from .schedules import schedules
from .secrets import secrets
from .settings import ContainerAppsSettings
from .store import store


def build(name: str, plan: Plan, settings: ContainerAppsSettings, options: BuildOptions) -> Outputs:
    """Create the agent's resources in the running Pulumi program."""
    where: Any = {"location": settings.location, "subscription_id": settings.subscription_id}
    return build_component(
        Context,
        "azure-container-apps",
        (name, plan, settings, options),
        provider=lambda opts: az.Provider(f"{name}-azure", **where, opts=opts),
        create=_agent,
    )


def _agent(context: Context) -> Outputs:
    container, stored, built, workspace = store(context), secrets(context), image(context), logs(context)
    who = identities(context, store=container, secrets=stored, image=built)
    reader = certificate_reader(context)
    net = network(context, workspace, certificate_by=reader.identity.id if reader else None)
    starter = None
    if who.run is not None:
        runs = JobTemplate(identity=who.run, image=built, store=container, network=net, secrets=stored)
        starter = runner(context, runs, who)
        schedules(context, runs)
    dependencies = Dependencies(
        identity=who.gateway,
        image=built,
        store=container,
        network=net,
        secrets=stored,
        runner=starter,
        domains=custom_domains(context, net, reader),
    )
    app = gateway(context, dependencies)
    managed_certificate(context, net, app)
    return Outputs(
        url=url(context, app),
        store_url=container.url,
        token=stored[context.plan.gateway.token].value,
        gateway=app.id,
        run=starter.job.id if starter else app.id,
        logs=workspace.id if workspace else net.environment_id,
        image=built.reference,
        bundle=context.options.bundle.sha256,
    )
