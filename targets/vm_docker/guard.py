"""The guard: the only container with the model key, and the only egress of the runs' network."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_docker as docker

from unmoor.container import GUARD, GUARD_PORT, SECRETS_DIR

from . import secrets as hidden
from . import store as kept
from .containers import HardenedContainer, hardened_container
from .context import Context
from .network import Networks
from .secrets import Secrets
from .store import Store

URL = f"http://guard:{GUARD_PORT}"


def guard(
    context: Context,
    *,
    image: pulumi.Input[str],
    networks: Networks,
    store: Store,
    secrets: Secrets,
    after: docker.Container,
) -> docker.Container:
    """The guard's container, shared by all runs, each with its own token."""
    what = HardenedContainer(
        role="guard",
        image=image,
        command=GUARD,
        environment=environment(context),
        networks={"guard": networks.runs, "guard@out": networks.out},
        mounts=[*kept.mounts(store, kept.GUARD), *hidden.mounts(context, secrets, "guard")],
        cpu=context.plan.guard.cpu,
        memory_mib=context.plan.guard.memory_mib,
        port=GUARD_PORT,
        labels=hidden.labels(context, secrets, "guard"),
    )
    return hardened_container(context, what, after=[after])


def environment(context: Context) -> dict[str, Any]:
    """The variables of every container of the agent."""
    return {**context.environment(kept.URL), "UNMOOR_SECRETS_DIR": SECRETS_DIR}
