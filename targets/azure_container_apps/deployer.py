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


def deployer_policy(plan: Plan, settings: ContainerAppsSettings, resources: Iterable[Resource]) -> Mapping[str, Any]:
    """The role as `az role definition create` takes it. Its scope is an existing resource group, else the
    subscription.
    """
    types = {r.type.removeprefix("azure-native:") for r in resources if r.type.startswith("azure-native:")}
    actions = {operation for type_ in types for operation in OPERATIONS[type_]}
    if settings.infrastructure_subnet_id:
        actions.add(SUBNET)
    subscription = f"/subscriptions/{settings.subscription_id or '<subscription>'}"
    scope = f"{subscription}/resourceGroups/{settings.resource_group}" if settings.resource_group else subscription
    return {
        "Name": f"{physical(plan, 'deployer', GROUP)}",
        "Description": f"Deploys the agent {plan.agent} in {plan.environment}",
        "Actions": sorted({*actions, *ALWAYS}),
        "DataActions": sorted({action for type_ in types for action in DATA_ACTIONS.get(type_, ())}),
        "AssignableScopes": [scope],
    }
