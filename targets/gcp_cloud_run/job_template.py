"""A container and its volumes as a job's template has them."""

from __future__ import annotations

import pulumi_gcp as gcp

from .containers import MOUNTS, Container, sorted_secrets
from .context import Context
from .secrets import StoredSecret, reference


def in_job(context: Context, container: Container) -> gcp.cloudrunv2.JobTemplateTemplateContainerArgs:
    """The container as a job's template has it."""
    run = gcp.cloudrunv2
    return run.JobTemplateTemplateContainerArgs(
        name=container.name,
        image=container.image,
        args=list(container.args),
        envs=[
            *(
                run.JobTemplateTemplateContainerEnvArgs(name=k, value=v)
                for k, v in sorted(container.environment.items())
            ),
            *(_secret(context, s) for s in sorted_secrets(container.secrets)),
        ],
        resources=run.JobTemplateTemplateContainerResourcesArgs(limits=container.size.limits),
        volume_mounts=[
            run.JobTemplateTemplateContainerVolumeMountArgs(name=n, mount_path=p) for n, p in MOUNTS.items()
        ],
    )


def job_volumes(container: Container) -> list[gcp.cloudrunv2.JobTemplateTemplateVolumeArgs]:
    """The volumes that it mounts, as a job's template has them."""
    return [
        gcp.cloudrunv2.JobTemplateTemplateVolumeArgs(
            name=name,
            empty_dir=gcp.cloudrunv2.JobTemplateTemplateVolumeEmptyDirArgs(medium=medium, size_limit=size),
        )
        for name, (medium, size) in container.volumes.items()
    ]


def _secret(context: Context, stored: StoredSecret) -> gcp.cloudrunv2.JobTemplateTemplateContainerEnvArgs:
    run = gcp.cloudrunv2
    return run.JobTemplateTemplateContainerEnvArgs(
        name=stored.secret.variable,
        value_source=run.JobTemplateTemplateContainerEnvValueSourceArgs(
            secret_key_ref=run.JobTemplateTemplateContainerEnvValueSourceSecretKeyRefArgs(
                secret=reference(context, stored), version=stored.version
            )
        ),
    )
