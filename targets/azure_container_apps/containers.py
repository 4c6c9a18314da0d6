"""Containers for an app or a job, with sorted variables and volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
    name: str
    image: pulumi.Input[str]
    command: Sequence[str]
    environment: Mapping[str, pulumi.Input[str]]
    secrets: Sequence[Secret]
    size: Size
    probes: Sequence[Any] = ()


def arguments(containers: Sequence[Container]) -> list[az.app.ContainerArgsDict]:
    return [_arguments(container) for container in containers]


def volumes(containers: Sequence[Container]) -> list[az.app.VolumeArgsDict]:
    """The folders that containers can write to, separate for each; they end with the replica."""
    return [{"name": f"{c.name}-{v}", "storage_type": "EmptyDir"} for c in containers for v in VOLUMES]


def secret_references(
    containers: Sequence[Container], secrets: Mapping[str, StoredSecret], identity: Identity
) -> list[az.app.SecretArgsDict]:
    """The secrets of a replica, which Azure reads from Key Vault with the execution identity."""
    held = sorted({secret.name for container in containers for secret in container.secrets})
    return [{"name": name, "key_vault_url": secrets[name].url, "identity": identity.execution.id} for name in held]


def registries(built: ImageRef, identity: Identity) -> list[az.app.RegistryCredentialsArgsDict] | None:
    """The login to pull the image, with the execution identity; None for a public image."""
    if built.server is None:
        return None
    return [{"server": built.server, "identity": identity.execution.id}]


def _arguments(container: Container) -> az.app.ContainerArgsDict:
    """`args` replace the image's command and keep its entry point."""
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
