"""Role assignments and custom roles, with stable ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pulumi
import pulumi_azure_native as az

from .context import Context

# Azure's own roles: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
PULL_IMAGES = "7f951dda-4ed3-4680-a7ca-43fe172d538d"  # AcrPull
READ_SECRET = "4633458b-17de-408a-b874-0445c86b69e6"  # Key Vault Secrets User

BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
# The blob actions for each letter of a prefix table: Read, Write, Delete.
BLOB_ACTIONS = {"R": (f"{BLOBS}/read",), "W": (f"{BLOBS}/write", f"{BLOBS}/add/action"), "D": (f"{BLOBS}/delete",)}


def grant(
    context: Context,
    logical: str,
    *,
    to: az.managedidentity.UserAssignedIdentity,
    role: pulumi.Input[str],
    on: pulumi.Input[str],
    only: str = "",
    after: Iterable[pulumi.Resource] = (),
) -> az.authorization.RoleAssignment:
    """Assign a role to the identity on a resource and below it, `only` under a condition."""
    lasting = pulumi.ResourceOptions(delete_before_replace=True)  # a changed grant keeps its id
    return az.authorization.RoleAssignment(
        context.logical(logical),
        role_assignment_name=context.stable_id(logical),
        principal_id=to.principal_id,
        principal_type="ServicePrincipal",
        role_definition_id=context.role(role),
        scope=on,
        condition=only or None,
        condition_version="2.0" if only else None,
        description=f"unmoor {context.plan.agent}: {logical}",
        opts=pulumi.ResourceOptions.merge(context.after(*after), lasting),
    )


def role(
    context: Context, logical: str, *, actions: Iterable[str] = (), data_actions: Iterable[str] = ()
) -> tuple[az.authorization.RoleDefinition, pulumi.Output[str]]:
    """A custom role that can be assigned only in the agent's resource group, and its GUID."""
    guid = context.stable_id(f"role-{logical}")
    definition = az.authorization.RoleDefinition(
        context.logical(logical),
        role_definition_id=guid,
        role_name=pulumi.Output.concat(
            f"unmoor {context.plan.agent} {context.plan.environment} {logical} ", context.digits
        ),
        role_type="CustomRole",
        description=f"unmoor {context.plan.agent}: {logical}",
        permissions=[
            {
                "actions": sorted(actions),
                "not_actions": [],
                "data_actions": sorted(data_actions),
                "not_data_actions": [],
            }
        ],
        assignable_scopes=[context.group_id],
        scope=context.group_id,
        opts=context.child,
    )
    return definition, guid


def prefix_condition(prefixes: Mapping[str, str]) -> str:
    """The condition that restricts each blob action and listing to its prefixes:
    https://learn.microsoft.com/azure/storage/blobs/storage-auth-abac-attributes
    """
    listing = f"ActionMatches{{'{BLOBS}/read'}} AND SubOperationMatches{{'Blob.List'}}"
    clauses = [f"((!({listing})) OR ({_prefix_match('Request', 'prefix', sorted(prefixes))}))"]
    for letter, actions in BLOB_ACTIONS.items():
        allowed = sorted(prefix for prefix, letters in prefixes.items() if letter in letters)
        clauses += [
            f"((!({_action_match(action)})) OR ({_prefix_match('Resource', 'path', allowed)}))" for action in actions
        ]
    return " AND ".join(clauses)


def _action_match(action: str) -> str:
    """The condition's match of an action; a listing has the same action as a read, but no path."""
    matched = f"ActionMatches{{'{action}'}}"
    return f"{matched} AND NOT SubOperationMatches{{'Blob.List'}}" if action == f"{BLOBS}/read" else matched


def _prefix_match(source: str, attribute: str, prefixes: list[str]) -> str:
    return " OR ".join(f"@{source}[{BLOBS}:{attribute}] StringStartsWith '{prefix}'" for prefix in prefixes)
