"""A container and its volumes as a service's template has them."""

from __future__ import annotations

import pulumi_gcp as gcp

from unmoor.container import HEALTH_PATH

from .containers import MOUNTS, Container, sorted_secrets
from .context import Context
from .secrets import StoredSecret, reference


def in_service(
    context: Context, container: Container, *, cpu_idle: bool
) -> gcp.cloudrunv2.ServiceTemplateContainerArgs:
    """The container as a service's template has it, asked by the platform how it is."""
    run = gcp.cloudrunv2
    return run.ServiceTemplateContainerArgs(
        name=container.name,
        image=container.image,
        args=list(container.args),
        envs=[
            *(run.ServiceTemplateContainerEnvArgs(name=k, value=v) for k, v in sorted(container.environment.items())),
            *(_secret(context, s) for s in sorted_secrets(container.secrets)),
        ],
        ports=run.ServiceTemplateContainerPortsArgs(container_port=container.port, name="http1"),
        resources=run.ServiceTemplateContainerResourcesArgs(
            limits=container.size.limits, cpu_idle=cpu_idle, startup_cpu_boost=True
        ),
        startup_probe=run.ServiceTemplateContainerStartupProbeArgs(
            http_get=run.ServiceTemplateContainerStartupProbeHttpGetArgs(path=HEALTH_PATH, port=container.port),
            period_seconds=2,
            timeout_seconds=2,
            failure_threshold=60,
        ),
        liveness_probe=run.ServiceTemplateContainerLivenessProbeArgs(
            http_get=run.ServiceTemplateContainerLivenessProbeHttpGetArgs(path=HEALTH_PATH, port=container.port),
            period_seconds=30,
            timeout_seconds=10,
            failure_threshold=3,
        ),
        volume_mounts=[run.ServiceTemplateContainerVolumeMountArgs(name=n, mount_path=p) for n, p in MOUNTS.items()],
    )


def service_volumes(container: Container) -> list[gcp.cloudrunv2.ServiceTemplateVolumeArgs]:
    """The volumes that it mounts, as a service's template has them."""
    return [
        gcp.cloudrunv2.ServiceTemplateVolumeArgs(
            name=name,
            empty_dir=gcp.cloudrunv2.ServiceTemplateVolumeEmptyDirArgs(medium=medium, size_limit=size),
        )
        for name, (medium, size) in container.volumes.items()
    ]


def _secret(context: Context, stored: StoredSecret) -> gcp.cloudrunv2.ServiceTemplateContainerEnvArgs:
    run = gcp.cloudrunv2
    return run.ServiceTemplateContainerEnvArgs(
        name=stored.secret.variable,
        value_source=run.ServiceTemplateContainerEnvValueSourceArgs(
            secret_key_ref=run.ServiceTemplateContainerEnvValueSourceSecretKeyRefArgs(
                secret=reference(context, stored), version=stored.version
            )
        ),
    )
