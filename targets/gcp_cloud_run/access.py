"""Who may do what, read from a recorded graph: its grants, containers, ingress and forwarding rules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from unmoor.graph import Resource
from unmoor.plan import Plan
from unmoor.target import Access

from .grants_read import Grant, grants, holders
from .listening import listens
from .workloads import Workload, secret_names, workloads

# The rights of a role on objects; an unlisted role counts as all rights.
OBJECT_ROLES = {
    "roles/storage.objectViewer": ("read",),
    "roles/storage.legacyObjectReader": ("read",),
    "roles/storage.objectCreator": ("write",),
    "roles/storage.legacyBucketReader": (),
    "roles/storage.bucketViewer": (),
}
# Roles that cannot read a secret's value, start a job or change a service.
BLIND = {
    "roles/secretmanager.viewer",
    "roles/secretmanager.secretVersionAdder",
    "roles/secretmanager.secretVersionManager",
}
IDLE = {"roles/run.viewer", "roles/run.serviceAgent"}
CALLING = {"roles/run.invoker", "roles/run.servicesInvoker"}
# Basic and custom roles, which may contain anything.
BROAD = re.compile(r"roles/(owner|editor|viewer)$|(projects|organizations)/")
UNDER = re.compile(r'resource\.name\.startsWith\("projects/_/buckets/[^/"]+/objects/([^"]*)"\)')
NAMES_ONLY = re.compile(r'resource\.name == "projects/_/buckets/[^/"]+"')


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedGraph:
    """Containers, grants with their principals, and the spec names of secrets by id."""

    workloads: tuple[Workload, ...]
    granted: tuple[tuple[str, Grant], ...]
    names: dict[str, str]


def access(plan: Plan, resources: Sequence[Resource]) -> Access:
    """What the graph allows each container, the schedules and the public."""
    running = workloads(resources)
    scene = RecordedGraph(
        workloads=running,
        granted=tuple((who, grant) for grant in grants(resources) for who in holders(resources, running, grant)),
        names=secret_names(plan.agent, resources, running),
    )
    obtained = frozenset(_obtainable_secrets(scene))
    return Access(
        reads=frozenset(_injected_secrets(scene)) | obtained,
        self_obtainable=obtained,
        store_access=frozenset([*_store_access(scene), *_open_store(resources)]),
        starts=frozenset(_starts(scene)),
        listens=frozenset(listens(resources)),
        wildcards=tuple(_wildcards(resources)),
    )


def _injected_secrets(scene: RecordedGraph) -> Iterator[tuple[str, str]]:
    """Secrets that the platform injects."""
    for workload in scene.workloads:
        yield from ((workload.container, scene.names[secret]) for secret in workload.secrets)


def _obtainable_secrets(scene: RecordedGraph) -> Iterator[tuple[str, str]]:
    """Secrets that code in a container can read with its account's token."""
    for who, grant in scene.granted:
        if grant.role in BLIND:
            continue
        if grant.kind == "secret":
            yield who, scene.names.get(grant.target, grant.target)
        elif grant.kind == "project" and (grant.role.startswith("roles/secretmanager.") or BROAD.match(grant.role)):
            yield from ((who, name) for name in scene.names.values())


def _store_access(scene: RecordedGraph) -> Iterator[tuple[str, str, str]]:
    for who, grant in scene.granted:
        of_project = grant.kind == "project" and (grant.role.startswith("roles/storage.") or BROAD.match(grant.role))
        if grant.kind == "bucket" or of_project:
            kinds = OBJECT_ROLES.get(grant.role, ("read", "write", "delete"))
            yield from ((who, kind, prefix) for kind in kinds for prefix in _prefixes(grant.condition))


def _prefixes(condition: str) -> Iterator[str]:
    """The prefixes of a condition; any other clause counts as the whole store."""
    for clause in condition.split(" || "):
        if under := UNDER.fullmatch(clause):
            yield under[1]
        elif not NAMES_ONLY.fullmatch(clause):
            yield ""


def _starts(scene: RecordedGraph) -> Iterator[tuple[str, str]]:
    """Who may run a job, or change a service so that it runs something else."""
    containers = {(w.kind, w.name): w.container for w in scene.workloads}
    for who, grant in scene.granted:
        if grant.role in IDLE or (grant.kind == "service" and grant.role in CALLING):
            continue
        if grant.kind in ("job", "service"):
            yield who, containers.get((grant.kind, grant.target), grant.target)
        elif grant.kind == "project" and (grant.role.startswith("roles/run.") or BROAD.match(grant.role)):
            yield who, "anything"


def _open_store(resources: Sequence[Resource]) -> Iterator[tuple[str, str, str]]:
    for bucket in (r for r in resources if r.type == "gcp:storage/bucket:Bucket"):
        if bucket.inputs.get("publicAccessPrevention") != "enforced":
            yield "anyone", "read", ""


def _wildcards(resources: Sequence[Resource]) -> Iterator[str]:
    """Grants on the whole project, administrator roles on a resource, and policies that replace all grants."""
    for grant in grants(resources):
        if grant.kind == "project" or re.search(r"roles/(owner|editor)$|[aA]dmin$", grant.role):
            yield f"{grant.name}: {grant.role} on {grant.target or 'the project'}"
    for policy in (r for r in resources if re.search(r"I[aA][mM]Policy$", r.type)):
        yield f"{policy.name}: a whole policy"
