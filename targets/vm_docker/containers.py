"""A container as this target makes it: fenced in the same way whatever it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pulumi
import pulumi_docker as docker

from unmoor.container import STOP_GRACE_S, TEMP_DIR, UID, WORK_DIR, health_check

from .context import Context, container_labels, digest
from .logs import DRIVER, log_options
from .names import name
from .network import joined
from .sizes import SERVICE_PROCESSES, cpus


@dataclass(frozen=True, slots=True, kw_only=True)
class Fenced:
    """What one container runs and what it may use; a port that is not 0 is asked for its health."""

    role: str
    image: pulumi.Input[str]
    command: Sequence[str]
    environment: Mapping[str, pulumi.Input[str]]
    networks: Mapping[str, docker.Network]
    mounts: Sequence[docker.ContainerMountArgs]
    cpu: Decimal
    memory_mib: int
    user: str = str(UID)
    port: int = 0
    labels: Mapping[str, str] | None = None


def fenced(context: Context, what: Fenced, *, after: Sequence[pulumi.Resource]) -> docker.Container:
    """A container that stays: read-only, without capabilities or new privileges, bounded, restarted, log rotated."""
    tmpfs = {TEMP_DIR: "rw,nosuid,nodev,size=256m", WORK_DIR: f"rw,nosuid,nodev,size=256m,uid={UID},gid={UID}"}
    check = _health(what.port) if what.port else None
    # Docker changes neither of these on a container that is there; the label makes it a new one.
    unseen = digest([tmpfs, what.port])
    return docker.Container(
        context.logical(what.role),
        name=name(context.plan, what.role),
        image=what.image,
        command=list(what.command),
        envs=_environment(what.environment),
        user=what.user,
        init=True,
        read_only=True,
        tmpfs=tmpfs,
        mounts=list(what.mounts),
        networks_advanced=joined(what.networks),
        capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"]),
        security_opts=["no-new-privileges:true"],
        ulimits=[docker.ContainerUlimitArgs(name="nproc", soft=SERVICE_PROCESSES, hard=SERVICE_PROCESSES)],
        cpus=cpus(what.cpu),
        memory=what.memory_mib,
        memory_swap=what.memory_mib,
        restart="unless-stopped",
        healthcheck=check,
        stop_timeout=STOP_GRACE_S,
        destroy_grace_seconds=STOP_GRACE_S,
        log_driver=DRIVER,
        log_opts=log_options(context),
        labels=container_labels({**context.tags, **(what.labels or {}), "unmoor.unseen": unseen}),
        opts=context.after(*after),
    )


def _environment(environment: Mapping[str, pulumi.Input[str]]) -> list[pulumi.Input[str]]:
    return [pulumi.Output.concat(k, "=", v) for k, v in sorted(environment.items())]


def _health(port: int) -> docker.ContainerHealthcheckArgs:
    return docker.ContainerHealthcheckArgs(
        tests=["CMD", *health_check(port)], interval="10s", timeout="5s", retries=3, start_period="30s"
    )
