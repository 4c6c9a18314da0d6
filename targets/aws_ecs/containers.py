"""Container definitions in the canonical form that ECS returns, so that a diff means a change.

Containers and variables are sorted by name, and the members that ECS would fill in are written out.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from unmoor.container import STOP_GRACE_S, TEMP_DIR, UID, WORK_DIR, health_check_command
from unmoor.plan import Secret

from .secrets import StoredSecret

VOLUMES = {"temp": TEMP_DIR, "work": WORK_DIR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container; it starts when those in `after` are healthy."""

    name: str
    image: pulumi.Input[str]
    command: Sequence[str]
    environment: Mapping[str, pulumi.Input[str]]
    secrets: Sequence[Secret]
    log_group: aws.cloudwatch.LogGroup
    region: str
    cpu: int
    memory_mib: int
    port: int = 0
    healthy: bool = False
    after: Sequence[str] = ()


def definitions(containers: Sequence[Container], secrets: Mapping[str, StoredSecret]) -> pulumi.Output[str]:
    ordered = sorted(containers, key=lambda c: c.name)
    return pulumi.Output.json_dumps([_definition(c, secrets) for c in ordered], sort_keys=True)


def volumes(containers: Sequence[Container]) -> list[aws.ecs.TaskDefinitionVolumeArgsDict]:
    """The only folders that containers can write to, separate for each; they live as long as the task."""
    names = sorted(f"{container.name}-{volume}" for container in containers for volume in VOLUMES)
    return [{"name": name} for name in names]


def _definition(container: Container, secrets: Mapping[str, StoredSecret]) -> dict[str, Any]:
    definition: dict[str, Any] = {
        "name": container.name,
        "image": container.image,
        "command": list(container.command),
        "cpu": container.cpu,
        "memory": container.memory_mib,
        "essential": True,
        "user": str(UID),
        "readonlyRootFilesystem": True,
        "stopTimeout": STOP_GRACE_S,
        "environment": [{"name": k, "value": v} for k, v in sorted(container.environment.items())],
        "secrets": _references(container.secrets, secrets),
        "linuxParameters": {"capabilities": {"add": [], "drop": ["ALL"]}, "initProcessEnabled": True},
        "mountPoints": [_mount(container.name, name) for name in sorted(VOLUMES)],
        "portMappings": _ports(container.port),
        "logConfiguration": _log(container),
        "systemControls": [],
        "volumesFrom": [],
    }
    if container.healthy:
        definition["healthCheck"] = _health(container.port)
    if container.after:
        definition["dependsOn"] = [{"containerName": n, "condition": "HEALTHY"} for n in sorted(container.after)]
    return definition


def _references(held: Sequence[Secret], secrets: Mapping[str, StoredSecret]) -> list[dict[str, Any]]:
    ordered = sorted(held, key=lambda s: s.variable)
    return [{"name": s.variable, "valueFrom": secrets[s.name].value_from} for s in ordered]


def _mount(container: str, volume: str) -> dict[str, Any]:
    return {"sourceVolume": f"{container}-{volume}", "containerPath": VOLUMES[volume], "readOnly": False}


def _ports(port: int) -> list[dict[str, Any]]:
    return [{"containerPort": port, "hostPort": port, "protocol": "tcp"}] if port else []


def _log(container: Container) -> dict[str, Any]:
    options = {
        "awslogs-group": container.log_group.name,
        "awslogs-region": container.region,
        "awslogs-stream-prefix": container.name,
        "mode": "non-blocking",
        "max-buffer-size": "4m",
    }
    return {"logDriver": "awslogs", "options": options, "secretOptions": []}


def _health(port: int) -> dict[str, Any]:
    return {
        "command": ["CMD", *health_check_command(port)],
        "interval": 5,  # the first check is after one interval, and a run waits for its guard's
        "timeout": 5,
        "retries": 3,
        "startPeriod": 30,
    }
