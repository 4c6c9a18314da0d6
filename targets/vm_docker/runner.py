"""The launcher and its template of a run.

Only the launcher holds the Docker socket. It starts and stops containers of this template and accepts only a run's id.
"""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_docker as docker

from unmoor.container import (
    LAUNCH,
    LAUNCHER_PORT,
    STOP_GRACE_S,
    STORE_DIR,
    TEMP_DIR,
    UID,
    WORK_DIR,
    hardened_host_config,
)

from . import secrets as hidden
from . import store as kept
from .containers import HardenedContainer, hardened_container
from .context import ROLE, Context
from .guard import URL as GUARD_URL
from .guard import environment
from .logs import log_options
from .names import name
from .network import Networks
from .secrets import Secrets
from .store import Store

# The socket's path in the launcher; on the machine it is in `host`.
SOCKET = "/var/run/docker.sock"
URL = f"http://launcher:{LAUNCHER_PORT}"


def launcher(
    context: Context,
    *,
    image: pulumi.Input[str],
    networks: Networks,
    store: Store,
    secrets: Secrets,
    after: docker.Container,
) -> docker.Container:
    """The launcher's container; only the gateway is on its network."""
    assert networks.launch is not None
    host = context.settings.host
    there = host.removeprefix("unix://") if host.startswith("unix://") else SOCKET
    socket: Any = {"type": "bind", "source": there, "target": SOCKET}
    what = HardenedContainer(
        role="launcher",
        image=image,
        command=LAUNCH,
        environment={
            "UNMOOR_AGENT": context.plan.agent,
            "UNMOOR_ENVIRONMENT": context.plan.environment,
            "UNMOOR_RUN_TEMPLATE": template(context, image=image, networks=networks, store=store, secrets=secrets),
        },
        networks={"launcher": networks.launch},
        mounts=[socket],
        cpu=context.plan.guard.cpu,
        memory_mib=context.plan.guard.memory_mib,
        user="0",  # the socket is root's
        port=LAUNCHER_PORT,
        # Gateways depend on it, so it is deleted last; the self-test shows whether it works.
        waited_for=False,
    )
    return hardened_container(context, what, after=[after])


def template(
    context: Context, *, image: pulumi.Input[str], networks: Networks, store: Store, secrets: Secrets
) -> pulumi.Output[str]:
    """A run's container for Docker's API, without its name and the run's id."""
    run = context.plan.run
    definition = {
        "Image": image,
        "Cmd": ["run"],
        "Env": [f"{k}={v}" for k, v in sorted({**environment(context), "UNMOOR_GUARD_URL": GUARD_URL}.items())],
        "User": str(UID),
        "Labels": {**context.release_tags, **hidden.origins(context, "run"), ROLE: "run"},
        "StopTimeout": STOP_GRACE_S,
        "HostConfig": hardened_host_config(
            cpu=run.cpu,
            memory_mib=run.memory_mib,
            network=networks.runs.name,
            mounts=_mounts(context, store, secrets),
            tmpfs={TEMP_DIR: "rw,exec,nosuid,nodev,size=256m"},
            log_options=log_options(context),
        ),
    }
    bounds = {"disk_mib": run.disk_mib, "most": run.max_concurrent, "name_prefix": name(context.plan, "run")}
    gateways = [f"{k}={v}" for k, v in sorted({**context.lasting, ROLE: "gateway"}.items())]
    return pulumi.Output.json_dumps({"container": definition, "gateways": gateways, **bounds}, sort_keys=True)


def _mounts(context: Context, store: Store, secrets: Secrets) -> list[dict[str, object]]:
    """The run's prefixes of the store, its secrets, and a workspace that is deleted with the container."""
    workspace: dict[str, object] = {"Type": "volume", "Target": WORK_DIR, "ReadOnly": False}
    prefixes: list[dict[str, object]] = [
        {
            "Type": "volume",
            "Source": store.volumes[prefix].name,
            "Target": f"{STORE_DIR}/{prefix}",
            "ReadOnly": how == "ro",
        }
        for prefix, how in sorted(kept.RUN.items())
    ]
    return [workspace, *prefixes, *_secret_mounts(context, secrets)]


def _secret_mounts(context: Context, secrets: Secrets) -> list[dict[str, object]]:
    mounts = hidden.mounts(context, secrets, "run")
    return [{"Type": m["type"], "Source": m.get("source"), "Target": m["target"], "ReadOnly": True} for m in mounts]
