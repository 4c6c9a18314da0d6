"""The custom role of the deploying user: the operations for the graph's types, on the agent's resource group.

https://learn.microsoft.com/azure/role-based-access-control/permissions-reference
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from unmoor.graph import Resource
from unmoor.plan import Plan

from .names import GROUP
from .names import name as physical
from .settings import ContainerAppsSettings

# By type: the operations. Azure lets only a caller with the right to the workspace's key link a diagnostic setting to
# it (https://github.com/JimGBritt/AzurePolicy/issues/17); the provider uploads blobs with the account's key. Creating a
# secret through Resource Manager needs no right to read its value:
# https://learn.microsoft.com/azure/container-apps/managed-identity https://learn.microsoft.com/azure/key-vault/general/rbac-guide
_KNOWN = json.loads((files("unmoor.targets.azure_container_apps") / "deployer.json").read_text(encoding="utf-8"))
OPERATIONS: Mapping[str, Sequence[str]] = _KNOWN["by_type"]
# A secret that leaves the spec is deleted through the vault's data plane, in which no Owner has a right by default:
# https://learn.microsoft.com/azure/role-based-access-control/permissions/security#microsoftkeyvault
DATA_ACTIONS: Mapping[str, Sequence[str]] = _KNOWN["data_by_type"]
# Every deployment reads these, also to follow long operations.
ALWAYS: Sequence[str] = _KNOWN["always"]
SUBNET = "Microsoft.Network/virtualNetworks/subnets/join/action"
# An app joins its environment: https://learn.microsoft.com/azure/role-based-access-control/permissions/compute
JOIN = ("Microsoft.App/managedEnvironments/join/action", "Microsoft.App/managedEnvironments/read")
# Azure answers a role definition's id below the subscription, where the provider reads and deletes it, even if the
# role can be assigned in a group alone: https://github.com/Azure/azure-cli/issues/28354
OWN_ROLES = ("Microsoft.Authorization/roleDefinitions/delete", "Microsoft.Authorization/roleDefinitions/read")


def deployer_policy(plan: Plan, settings: ContainerAppsSettings, resources: Iterable[Resource]) -> Mapping[str, Any]:
    """The role as `az role definition create` takes it, for the subscription. With an existing resource group two
    `roles`: one for the groups of existing resources, and one for the subscription.
    """
    types = {r.type.removeprefix("azure-native:") for r in resources if r.type.startswith("azure-native:")}
    actions = {operation for type_ in types for operation in OPERATIONS[type_]}
    if settings.infrastructure_subnet_id:
        actions.add(SUBNET)
    if settings.environment_id:
        actions.update(JOIN)
    data_actions = {action for type_ in types for action in DATA_ACTIONS.get(type_, ())}
    subscription = f"/subscriptions/{settings.subscription_id or '<subscription>'}"
    scopes = _groups(settings, subscription) if settings.resource_group else [subscription]
    role = _role(plan, "deployer", {*actions, *ALWAYS}, scopes, data_actions)
    if not settings.resource_group:
        return role
    return {"roles": [role, _role(plan, "deployer-of-roles", OWN_ROLES, [subscription])]}


def _groups(settings: ContainerAppsSettings, subscription: str) -> list[str]:
    """The agent's group, and those of the existing resources that it joins."""
    joined = (settings.environment_id, settings.infrastructure_subnet_id)
    return [
        f"{subscription}/resourceGroups/{settings.resource_group}",
        *sorted({id_.split("/providers/")[0] for id_ in joined if id_}),
    ]


def _role(
    plan: Plan, role: str, actions: Iterable[str], scopes: Sequence[str], data_actions: Iterable[str] = ()
) -> Mapping[str, Any]:
    return {
        "Name": physical(plan, role, GROUP),
        "Description": f"Deploys the agent {plan.agent} in {plan.environment}",
        "Actions": sorted(actions),
        "DataActions": sorted(data_actions),
        "AssignableScopes": list(dict.fromkeys(scopes)),
    }
