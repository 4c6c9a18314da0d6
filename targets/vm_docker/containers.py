"""A container as this target makes it: fenced in the same way whatever it does, and there only once it is well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pulumi
import pulumi_docker as docker

from unmoor.container import STOP_GRACE_S, TEMP_DIR, UID, WORK_DIR

from .context import ROLE, Context, digest, label_list
from .health import WAIT_S, check, self_check_command
from .logs import DRIVER, log_options
from .names import name
from .network import network_aliases
from .sizes import SERVICE_PROCESSES, cpus


@dataclass(frozen=True, slots=True, kw_only=True)
class HardenedContainer:
    """What one container runs and what it may use, and the port at which it is asked for its health.

    `works` says that runs have their workspaces in it, whose size memory would not hold and whose programs are started.
    One that is `waited_for` has to be well before the deployment goes on.
    """

    role: str
    image: pulumi.Input[str]
    command: Sequence[str]
    environment: Mapping[str, pulumi.Input[str]]
    networks: Mapping[str, docker.Network]
    mounts: Sequence[docker.ContainerMountArgsDict]
    cpu: Decimal
    memory_mib: int
    port: int
    user: str = str(UID)
    works: bool = False
    waited_for: bool = True
    labels: Mapping[str, pulumi.Input[str]] | None = None

    @property
    def kind(self) -> str:
        """What it is, of which there may be several."""
        return "gateway" if self.role.startswith("gateway-") else self.role


def hardened_container(
    context: Context, what: HardenedContainer, *, after: Sequence[pulumi.Resource]
) -> docker.Container:
    """A container that stays: read-only, without capabilities or new privileges, bounded, restarted, log rotated."""
    tmpfs, health = _tmpfs(what), check(self_check_command(what.port))
    # The provider changes none of these on a container that is there, and says that it did: the label makes a new one.
    unseen = digest({"health": health, "init": True, "tmpfs": tmpfs, "overrides": context.overridden(what.role)})
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
        mounts=[*what.mounts, *_workspace(what)],
        networks_advanced=network_aliases(what.networks),
        capabilities={"drops": ["ALL"]},
        security_opts=["no-new-privileges:true"],
        ulimits=[{"name": "nproc", "soft": SERVICE_PROCESSES, "hard": SERVICE_PROCESSES}],
        cpus=cpus(what.cpu),
        memory=what.memory_mib,
        memory_swap=what.memory_mib,
        restart="unless-stopped",
        healthcheck=health,
        wait=what.waited_for,
        wait_timeout=WAIT_S,
        stop_timeout=STOP_GRACE_S,
        destroy_grace_seconds=STOP_GRACE_S,
        log_driver=DRIVER,
        log_opts=log_options(context),
        labels=label_list({**context.tags, **(what.labels or {}), ROLE: what.kind, "unmoor.unseen": unseen}),
        opts=context.after(*after),
    )


def _environment(environment: Mapping[str, pulumi.Input[str]]) -> list[pulumi.Input[str]]:
    return [pulumi.Output.concat(k, "=", v) for k, v in sorted(environment.items())]


def _tmpfs(what: HardenedContainer) -> dict[str, str]:
    """What may be written and is gone with the container's end."""
    if what.works:
        return {TEMP_DIR: "rw,exec,nosuid,nodev,size=256m"}
    return {TEMP_DIR: "rw,nosuid,nodev,size=256m", WORK_DIR: f"rw,nosuid,nodev,size=16m,uid={UID},gid={UID}"}


def _workspace(what: HardenedContainer) -> list[docker.ContainerMountArgsDict]:
    """A volume without a name, which goes with the container: on disk, as a run's own container has it."""
    return [{"type": "volume", "target": WORK_DIR, "read_only": False}] if what.works else []
