"""The one component of the target: the agent on a machine with Docker."""

from __future__ import annotations

import dataclasses

import pulumi
import pulumi_docker as docker

from unmoor.plan import Plan
from unmoor.target import BuildOptions, Outputs

from .context import Context
from .domain import caddyfile, proxy, url, volume
from .gateway import Dependencies, gateways
from .guard import guard
from .image import image
from .init_container import init_container
from .names import name as physical
from .network import networks
from .runner import launcher
from .secrets import secrets
from .settings import DockerSettings
from .store import URL as STORE_URL
from .store import store


def build(name: str, plan: Plan, settings: DockerSettings, options: BuildOptions) -> Outputs:
    """The agent as resources of the running Pulumi program."""
    return Agent(name, plan, settings, options).outputs


class Agent(pulumi.ComponentResource):
    """Everything of one agent in one environment on a machine."""

    def __init__(self, name: str, plan: Plan, settings: DockerSettings, options: BuildOptions) -> None:
        super().__init__("unmoor:vm-docker:Agent", name)
        context = self._context(name, plan, settings, options)
        around = _surroundings(context)
        served = gateways(context, around[0])
        proxy(
            context,
            networks=around[0].networks,
            configuration=around[1],
            after=[*around[0].before, *around[0].beside, *served],
        )
        apart = plan.run.isolation == "container"
        self.outputs = Outputs(
            url=url(context),
            store_url=STORE_URL,
            token=around[0].secrets.values[plan.gateway.token],
            gateway=served[0].name,
            run=physical(plan, "launcher") if apart else served[0].name,
            logs=f"docker logs {physical(plan, 'gateway-0')}",
            image=around[0].image,
            bundle=options.bundle.sha256,
        )
        self.register_outputs({f.name: getattr(self.outputs, f.name) for f in dataclasses.fields(self.outputs)})

    def _context(self, name: str, plan: Plan, settings: DockerSettings, options: BuildOptions) -> Context:
        bare = pulumi.ResourceOptions(parent=self)
        host = "unix:///var/run/docker.sock" if settings.host == "local" else settings.host
        provider = docker.Provider(f"{name}-docker", host=host, ssh_opts=settings.ssh_opts or None, opts=bare)
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


def _surroundings(context: Context) -> tuple[Dependencies, docker.Volume]:
    """What the gateways stand on, and the volume with the proxy's configuration."""
    net, kept, hidden, runs = networks(context), store(context), secrets(context), image(context)
    configuration = volume(context, "proxy")
    seeded = init_container(
        context, image=runs, store=kept, secrets=hidden, proxy=configuration, caddyfile=caddyfile(context)
    )
    shared = {"image": runs, "networks": net, "store": kept, "secrets": hidden, "after": seeded}
    guarding = guard(context, **shared)
    apart = context.plan.run.isolation == "container"
    before = [seeded, *([launcher(context, **shared)] if apart else [])]
    around = Dependencies(image=runs, networks=net, store=kept, secrets=hidden, before=before, beside=[guarding])
    return around, configuration
