"""The grants of a recorded graph, and the containers or services behind their members."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from unmoor.graph import Resource

from .workloads import SCHEDULE, Workload, last

Kind = Literal["secret", "bucket", "job", "service", "project", "account"]
# The kind of resource of a grant, and the input that names it.
KINDS: dict[str, tuple[Kind, str]] = {
    "gcp:secretmanager/secretIam": ("secret", "secretId"),
    "gcp:storage/bucketIAM": ("bucket", "bucket"),
    "gcp:cloudrunv2/jobIam": ("job", "name"),
    "gcp:cloudrunv2/serviceIam": ("service", "name"),
    "gcp:projects/iAM": ("project", "project"),
    "gcp:serviceaccount/iAM": ("account", "serviceAccountId"),
}
MEMBERS = re.compile(r"(.+?)(Member|Binding):")
EVERYONE = ("allUsers", "allAuthenticatedUsers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A role of one member on one resource; `condition` may be empty."""

    name: str
    kind: Kind
    target: str
    role: str
    member: str
    condition: str


def grants(resources: Sequence[Resource]) -> Iterator[Grant]:
    """Every grant, one for each member."""
    for resource in resources:
        found = MEMBERS.match(resource.type)
        if found is None or found[1] not in KINDS:
            continue
        kind, target = KINDS[found[1]]
        for member in resource.inputs.get("members") or [resource.inputs.get("member")]:
            yield Grant(
                name=resource.name,
                kind=kind,
                target=last(resource.inputs.get(target, "")),
                role=str(resource.inputs["role"]),
                member=str(member),
                condition=str((resource.inputs.get("condition") or {}).get("expression", "")),
            )


def holders(resources: Sequence[Resource], running: Sequence[Workload], grant: Grant) -> set[str]:
    """Who can use a grant: the public, the containers and schedules with the account, or else the member."""
    if grant.member in EVERYONE:
        return {"anyone"}
    email = grant.member.removeprefix("serviceAccount:")
    accounts = _accounts_acting_as(resources, email)
    found = {w.container for w in running if w.account in accounts}
    for schedule in (r for r in resources if r.type == SCHEDULE):
        target = schedule.inputs.get("httpTarget") or {}
        tokens = [target.get(kind) or {} for kind in ("oauthToken", "oidcToken")]
        found |= {"schedules" for token in tokens if token.get("serviceAccountEmail") in accounts}
    return found or {email}


def _accounts_acting_as(resources: Sequence[Resource], email: str) -> set[str]:
    """The account, and every other that may impersonate it."""
    acting = [(g.target, g.member.removeprefix("serviceAccount:")) for g in grants(resources) if g.kind == "account"]
    accounts = {email}
    while more := {member for target, member in acting if target in accounts} - accounts:
        accounts |= more
    return accounts
