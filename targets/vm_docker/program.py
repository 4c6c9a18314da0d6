"""The agent on a machine with Docker."""

from __future__ import annotations

import pulumi_docker as docker

from unmoor.plan import Plan
from unmoor.target import BuildOptions, Outputs
from unmoor.target.component import build_component

from .context import Context
from .domain import caddyfile, proxy, url, volume
from .gateway import Dependencies, gateways
from .guard import guard
from .image import image
from .init_container import init_container
from .names import name as physical_name
from .network import networks
from .runner import launcher
from .secrets import secrets, with_run_token_key
from .settings import DockerSettings
from .store import URL as STORE_URL
from .store import store


def build(name: str, plan: Plan, settings: DockerSettings, options: BuildOptions) -> Outputs:
    """Create the agent's resources in the running Pulumi program."""
    host = "unix:///var/run/docker.sock" if settings.host == "local" else settings.host
    ssh = settings.ssh_opts or None
    return build_component(
        Context,
        "vm-docker",
        (name, with_run_token_key(plan), settings, options),
        provider=lambda opts: docker.Provider(f"{name}-docker", host=host, ssh_opts=ssh, opts=opts),
        create=_agent,
    )


def _agent(context: Context) -> Outputs:
    plan, configuration = context.plan, volume(context, "proxy")
    net, volumes, stored, built = networks(context), store(context), secrets(context), image(context)
    seed = init_container(
        context, image=built, store=volumes, secrets=stored, proxy=configuration, caddyfile=caddyfile(context)
    )
    shared = {"image": built, "networks": net, "store": volumes, "secrets": stored, "after": seed}
    before, beside = [seed], [guard(context, **shared)]
    if context.isolated_runs:
        before.append(launcher(context, **shared))
    served = gateways(
        context,
        Dependencies(image=built, networks=net, store=volumes, secrets=stored, before=before, beside=beside),
    )
    proxy(context, networks=net, configuration=configuration, after=[*before, *beside, *served])
    return Outputs(
        url=url(context),
        store_url=STORE_URL,
        token=stored.values[plan.gateway.token],
        gateway=served[0].name,
        run=physical_name(plan, "launcher") if context.isolated_runs else served[0].name,
        logs=f"docker logs {physical_name(plan, 'gateway-0')}",
        image=built,
        bundle=context.options.bundle.sha256,
    )
