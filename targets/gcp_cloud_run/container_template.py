"""A container and its volumes as the templates of services and jobs have them."""

from __future__ import annotations

from typing import Any

from unmoor.container import HEALTH_PATH, TEMP_DIR, WORK_DIR

from .containers import Container
from .context import Context
from .secrets import reference

MOUNTS = {"temp": TEMP_DIR, "work": WORK_DIR}


def job_container(context: Context, container: Container) -> Any:
    """The container in a job's template, variables sorted by name."""
    secrets = sorted(container.secrets, key=lambda s: s.secret.variable)
    references = {s.secret.variable: {"secret": reference(context, s), "version": s.version} for s in secrets}
    return {
        "name": container.name,
        "image": container.image,
        "args": list(container.args),
        "envs": [
            *({"name": k, "value": v} for k, v in sorted(container.environment.items())),
            *({"name": k, "value_source": {"secret_key_ref": v}} for k, v in references.items()),
        ],
        "resources": {"limits": container.size.limits},
        "volume_mounts": [{"name": n, "mount_path": p} for n, p in MOUNTS.items()],
    }


def service_container(context: Context, container: Container, *, cpu_idle: bool) -> Any:
    """The container in a service's template, with its port and health checks."""
    check = {"http_get": {"path": HEALTH_PATH, "port": container.port}}
    return {
        **job_container(context, container),
        "ports": {"container_port": container.port, "name": "http1"},
        "resources": {"limits": container.size.limits, "cpu_idle": cpu_idle, "startup_cpu_boost": True},
        "startup_probe": {**check, "period_seconds": 2, "timeout_seconds": 2, "failure_threshold": 60},
        "liveness_probe": {**check, "period_seconds": 30, "timeout_seconds": 10, "failure_threshold": 3},
    }


def volumes(container: Container) -> list[Any]:
    """The container's volumes in either template."""
    return [
        {"name": name, "empty_dir": {"medium": medium, "size_limit": size}}
        for name, (medium, size) in container.volumes.items()
    ]
