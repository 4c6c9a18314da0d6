"""The containers of a recorded graph, with their accounts and secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from unmoor.graph import Resource
from unmoor.target import secret_name_from_variable

SERVICE, JOB, SCHEDULE = (
    "gcp:cloudrunv2/service:Service",
    "gcp:cloudrunv2/job:Job",
    "gcp:cloudscheduler/job:Job",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One container of a service or job, with its account, and the variables of its secrets by id."""

    kind: Literal["service", "job"]
    name: str
    container: str
    account: str
    secrets: Mapping[str, str]


def workloads(resources: Sequence[Resource]) -> tuple[Workload, ...]:
    """Every container of every service and job."""
    services = (("service", r, r.inputs["template"]) for r in resources if r.type == SERVICE)
    jobs = (("job", r, r.inputs["template"]["template"]) for r in resources if r.type == JOB)
    return tuple(
        Workload(
            kind=kind,  # type: ignore[arg-type]
            name=str(resource.inputs["name"]),
            container=str(container.get("name", resource.name)),
            account=str(template.get("serviceAccount", "")),
            secrets=dict([*_in_environment(container), *_in_volumes(template, container)]),
        )
        for kind, resource, template in (*services, *jobs)
        for container in template["containers"]
    )


def secret_names(agent: str, resources: Sequence[Resource], running: Sequence[Workload]) -> dict[str, str]:
    """The spec name of each secret by id: from its resource, or from the variable of an existing secret."""
    referenced = {
        secret: secret_name_from_variable(variable) for w in running for secret, variable in w.secrets.items()
    }
    created = {
        str(r.inputs["secretId"]): r.name.removeprefix(f"{agent}-secret-")
        for r in resources
        if r.type == "gcp:secretmanager/secret:Secret"
    }
    return {**referenced, **created}


def last(name: Any) -> str:
    """`S` of `projects/P/secrets/S`, or of `S`."""
    return str(name).rsplit("/", 1)[-1]


def _in_environment(container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for variable in container.get("envs", []):
        reference = (variable.get("valueSource") or {}).get("secretKeyRef")
        if reference:
            yield last(reference["secret"]), variable["name"]


def _in_volumes(template: Mapping[str, Any], container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
    for volume in template.get("volumes", []):
        if volume["name"] in mounted and volume.get("secret"):
            yield last(volume["secret"]["secret"]), volume["name"]
