"""A container with this target's hardening and health check."""

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
    """One container, with the port of its health check.

    `works`: runs have their workspaces in it, which need a disk and executable files. `waited_for`: the deployment
    waits until it is healthy.
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
        """The role without its index."""
        return "gateway" if self.role.startswith("gateway-") else self.role


def hardened_container(
    context: Context, what: HardenedContainer, *, after: Sequence[pulumi.Resource]
) -> docker.Container:
    """A long-running container: read-only, without capabilities or new privileges, limited, restarted, log rotated."""
    tmpfs, health = _tmpfs(what), check(self_check_command(what.port))
    # The provider claims to change these on an existing container but does not: the label replaces it.
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
        labels=label_list({**context.release_tags, **(what.labels or {}), ROLE: what.kind, "unmoor.unseen": unseen}),
        opts=context.after(*after),
    )


def _environment(environment: Mapping[str, pulumi.Input[str]]) -> list[pulumi.Input[str]]:
    return [pulumi.Output.concat(k, "=", v) for k, v in sorted(environment.items())]


def _tmpfs(what: HardenedContainer) -> dict[str, str]:
    """The writable folders in memory."""
    if what.works:
        return {TEMP_DIR: "rw,exec,nosuid,nodev,size=256m"}
    return {TEMP_DIR: "rw,nosuid,nodev,size=256m", WORK_DIR: f"rw,nosuid,nodev,size=16m,uid={UID},gid={UID}"}


def _workspace(what: HardenedContainer) -> list[docker.ContainerMountArgsDict]:
    """An anonymous volume on disk that is deleted with the container, like a run's."""
    return [{"type": "volume", "target": WORK_DIR, "read_only": False}] if what.works else []
