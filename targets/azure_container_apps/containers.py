"""Containers as an app and a job take them, variables and volumes in order of their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_azure_native as az

from unmoor.container import TEMP_DIR, WORK_DIR
from unmoor.plan import Secret

from .identity import Identity
from .image import ImageRef
from .secrets import StoredSecret
from .sizes import Size

VOLUMES = {"temp": TEMP_DIR, "work": WORK_DIR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container: its name, what it runs, what it may use, and how it is asked whether it is well."""

    name: str
    image: pulumi.Input[str]
    command: Sequence[str]
    environment: Mapping[str, pulumi.Input[str]]
    secrets: Sequence[Secret]
    size: Size
    probes: Sequence[az.app.ContainerAppProbeArgsDict] = field(default=())


def arguments(containers: Sequence[Container]) -> list[az.app.ContainerArgsDict]:
    """The containers of one replica."""
    return [_arguments(container) for container in containers]


def volumes(containers: Sequence[Container]) -> list[az.app.VolumeArgsDict]:
    """Where the containers write, each its own; it is gone when the replica ends."""
    return [{"name": f"{c.name}-{v}", "storage_type": "EmptyDir"} for c in containers for v in VOLUMES]


def secret_references(
    containers: Sequence[Container], secrets: Mapping[str, StoredSecret], identity: Identity
) -> list[az.app.SecretArgsDict]:
    """The secrets of a replica's containers, which Azure fetches out of Key Vault by the execution identity."""
    held = sorted({secret.name for container in containers for secret in container.secrets})
    return [{"name": name, "key_vault_url": secrets[name].url, "identity": identity.execution.id} for name in held]


def registries(built: ImageRef, identity: Identity) -> list[az.app.RegistryCredentialsArgsDict] | None:
    """How Azure pulls the image: by the execution identity, or as everybody may."""
    if built.server is None:
        return None
    return [{"server": built.server, "identity": identity.execution.id}]


def _arguments(container: Container) -> az.app.ContainerArgsDict:
    """`args` stand in for the image's command; its entry point stays."""
    return {
        "name": container.name,
        "image": container.image,
        "args": list(container.command),
        "env": [*_plain(container.environment), *_secret(container.secrets)],
        "resources": {"cpu": float(container.size.cpu), "memory": container.size.memory},
        "volume_mounts": [{"volume_name": f"{container.name}-{v}", "mount_path": VOLUMES[v]} for v in sorted(VOLUMES)],
        "probes": list(container.probes) or None,
    }


def _plain(environment: Mapping[str, pulumi.Input[str]]) -> list[az.app.EnvironmentVarArgsDict]:
    return [{"name": name, "value": value} for name, value in sorted(environment.items())]


def _secret(secrets: Sequence[Secret]) -> list[az.app.EnvironmentVarArgsDict]:
    ordered = sorted(secrets, key=lambda s: s.variable)
    return [{"name": s.variable, "secret_ref": s.name} for s in ordered]
