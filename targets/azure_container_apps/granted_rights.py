"""The rights of a recorded graph's role assignments, and their prefixes of the store."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from unmoor.graph import Resource

IDENTITY = "azure-native:managedidentity:UserAssignedIdentity"
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
BLOB_ACTIONS = {"read": f"{BLOBS}/read", "write": f"{BLOBS}/write", "delete": f"{BLOBS}/delete"}
ADD_BLOB = f"{BLOBS}/add/action"
ACCOUNT_KEYS = "Microsoft.Storage/storageAccounts/listKeys/action"
GET_SECRET = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
START_JOB = "Microsoft.App/jobs/start/action"
JOB_SECRETS, APP_SECRETS = "Microsoft.App/jobs/listSecrets/action", "Microsoft.App/containerApps/listSecrets/action"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """The actions of a role; they may contain `*`."""

    actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()


EVERYTHING = Role(actions=("*",), data_actions=("*",))
# Azure's built-in roles by GUID: those that the target assigns and likely alternatives. An unlisted role counts as
# everything. https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
BUILT_IN: Mapping[str, Role] = {
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": Role(actions=("Microsoft.ContainerRegistry/registries/pull/read",)),
    "4633458b-17de-408a-b874-0445c86b69e6": Role(
        data_actions=(GET_SECRET, "Microsoft.KeyVault/vaults/secrets/readMetadata/action")
    ),
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": Role(data_actions=(f"{BLOBS}/read",)),
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": Role(data_actions=(*BLOB_ACTIONS.values(), ADD_BLOB)),
    "b9a307c4-5aa3-4b52-ba60-2b17c136cd7b": Role(actions=("Microsoft.App/jobs/read", START_JOB)),
}
# One clause of a condition: none of these actions, or one of these prefixes.
CLAUSE = re.compile(r"\(\(!\(((?:[^(){}]|\{[^{}]*\})*)\)\) OR \(([^()]*)\)\)")
PREFIX = re.compile(r"@(?:Resource|Request)\[[^\]]+:(?:path|prefix)\] StringStartsWith '([^']*)'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One role assignment. `scope` is a path without its subscription; empty is a whole subscription or more."""

    name: str
    identities: frozenset[str]
    role: Role
    scope: str
    condition: str

    def allows(self, action: str, on: str, *, data: bool = False) -> bool:
        """Whether it allows the action on the resource of that path."""
        actions = self.role.data_actions if data else self.role.actions
        inside = (on + "/").lower().startswith(self.scope.rstrip("/").lower() + "/")
        return inside and any(fnmatchcase(action.lower(), a.lower()) for a in actions)

    @property
    def is_wide(self) -> bool:
        """Whether it covers a whole group or subscription, or unnamed actions."""
        names_actions = not any("*" in a for a in (*self.role.actions, *self.role.data_actions))
        return "/providers/" not in self.scope or not names_actions


def grants(resources: tuple[Resource, ...]) -> tuple[Grant, ...]:
    own = dict(_own_roles(resources))
    assignments = [r for r in resources if r.type == "azure-native:authorization:RoleAssignment"]
    return tuple(
        Grant(
            name=r.name,
            identities=_identities_of_principal(r.inputs["principalId"], assignments),
            role=_role(r.inputs["roleDefinitionId"], own),
            scope=without_subscription(r.inputs["scope"]),
            condition=r.inputs.get("condition", ""),
        )
        for r in assignments
    )


def without_subscription(id_: str) -> str:
    """An id without its subscription."""
    return re.sub(r"^/subscriptions/[^/]+|^/providers/Microsoft.Management/.*|^/$", "", id_)


def prefixes(grant: Grant, action: str) -> list[str]:
    """The store's prefixes on which the grant allows an action; the empty prefix is the whole store."""
    clauses = CLAUSE.findall(grant.condition)
    if not clauses or CLAUSE.sub("", grant.condition).replace(" AND ", "").strip():
        return [""]  # no condition, or one that cannot be parsed
    matching = [allowed for actions, allowed in clauses if f"{{'{action}'}}" in actions]
    if action == BLOB_ACTIONS["read"] and len(matching) < 2:
        return [""]  # a listing and a read are restricted separately
    found = sorted({prefix for allowed in matching for prefix in _clause_prefixes(allowed)})
    return found if matching and all(_clause_prefixes(allowed) for allowed in matching) else [""]


def _identities_of_principal(principal: str, assignments: list[Resource]) -> frozenset[str]:
    """The identity of a principal id: the one that most assignments with that id depend on. Only Azure knows the
    real id, so a recording has a stand-in.
    """
    referred = [r.depends_on for r in assignments if r.inputs["principalId"] == principal]
    counted = Counter(name for listed in referred for type_, name in listed if type_ == IDENTITY)
    most = max(counted.values(), default=0)
    return frozenset(name for name, count in counted.items() if count == most)


def _clause_prefixes(allowed: str) -> list[str]:
    """The prefixes of one clause; none if it contains anything else."""
    return PREFIX.findall(allowed) if not PREFIX.sub("", allowed).replace(" OR ", "").strip() else []


def _own_roles(resources: tuple[Resource, ...]) -> Iterator[tuple[str, Role]]:
    for resource in resources:
        if resource.type == "azure-native:authorization:RoleDefinition":
            permissions = resource.inputs["permissions"]
            yield (
                resource.inputs["roleDefinitionId"],
                Role(
                    actions=tuple(a for p in permissions for a in p.get("actions", ())),
                    data_actions=tuple(a for p in permissions for a in p.get("dataActions", ())),
                ),
            )


def _role(definition_id: str, own: Mapping[str, Role]) -> Role:
    guid = definition_id.rsplit("/", 1)[-1].lower()
    return own.get(guid) or BUILT_IN.get(guid) or EVERYTHING
