"""The custom role of the deploying user: the operations for the graph's types, on the agent's resource group.

https://learn.microsoft.com/azure/role-based-access-control/permissions-reference
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from unmoor.graph import Resource
from unmoor.plan import Plan

from .names import GROUP
from .names import name as physical
from .settings import ContainerAppsSettings

CRUD = ("delete", "read", "write")
# By type: the ARM type, and the operations on it; those with a slash are full names below it.
OPERATIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "app:Certificate": ("Microsoft.App/managedEnvironments/certificates", CRUD),
    "app:ContainerApp": (
        "Microsoft.App/containerApps",
        (*CRUD, "revisions/read", "revisions/replicas/read", "getAuthToken/action"),
    ),
    "app:Job": ("Microsoft.App/jobs", CRUD),
    "app:ManagedCertificate": ("Microsoft.App/managedEnvironments/managedCertificates", CRUD),
    # An app joins its environment: https://learn.microsoft.com/azure/container-apps/managed-identity
    "app:ManagedEnvironment": ("Microsoft.App/managedEnvironments", (*CRUD, "join/action")),
    "authorization:RoleAssignment": ("Microsoft.Authorization/roleAssignments", CRUD),
    "authorization:RoleDefinition": ("Microsoft.Authorization/roleDefinitions", CRUD),
    "containerregistry:Registry": ("Microsoft.ContainerRegistry/registries", (*CRUD, "pull/read", "push/write")),
    # Creating a secret through Resource Manager needs no right to read its value:
    # https://learn.microsoft.com/azure/key-vault/general/rbac-guide
    "keyvault:Secret": ("Microsoft.KeyVault/vaults/secrets", ("read", "write")),
    "keyvault:Vault": ("Microsoft.KeyVault/vaults", CRUD),
    "managedidentity:UserAssignedIdentity": (
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        (*CRUD, "assign/action"),
    ),
    "monitor:DiagnosticSetting": ("Microsoft.Insights/diagnosticSettings", CRUD),
    # An environment receives the workspace's key to write to it.
    "operationalinsights:Workspace": ("Microsoft.OperationalInsights/workspaces", (*CRUD, "sharedKeys/action")),
    "resources:ResourceGroup": ("Microsoft.Resources/subscriptions/resourceGroups", CRUD),
    # The provider uploads a blob with the account's key.
    "storage:Blob": ("Microsoft.Storage/storageAccounts", ("listKeys/action", "read")),
    "storage:BlobContainer": ("Microsoft.Storage/storageAccounts/blobServices/containers", CRUD),
    "storage:BlobServiceProperties": ("Microsoft.Storage/storageAccounts/blobServices", ("read", "write")),
    "storage:ManagementPolicy": ("Microsoft.Storage/storageAccounts/managementPolicies", CRUD),
    "storage:StorageAccount": ("Microsoft.Storage/storageAccounts", CRUD),
}
# Every deployment reads these, also to follow long operations.
ALWAYS = (
    "Microsoft.App/locations/containerappOperationResults/read",
    "Microsoft.App/locations/containerappOperationStatuses/read",
    "Microsoft.App/locations/managedEnvironmentOperationStatuses/read",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
)
SUBNET = "Microsoft.Network/virtualNetworks/subnets/join/action"


def deployer_policy(plan: Plan, settings: ContainerAppsSettings, resources: Iterable[Resource]) -> Mapping[str, Any]:
    """The role as `az role definition create` takes it. Its scope is an existing resource group, else the
    subscription.
    """
    types = {r.type.removeprefix("azure-native:") for r in resources if r.type.startswith("azure-native:")}
    actions = {f"{arm}/{operation}" for t in types for arm, operations in [OPERATIONS[t]] for operation in operations}
    if settings.infrastructure_subnet_id:
        actions.add(SUBNET)
    subscription = f"/subscriptions/{settings.subscription_id or '<subscription>'}"
    scope = f"{subscription}/resourceGroups/{settings.resource_group}" if settings.resource_group else subscription
    return {
        "Name": f"{physical(plan, 'deployer', GROUP)}",
        "Description": f"Deploys the agent {plan.agent} in {plan.environment}",
        "Actions": sorted({*actions, *ALWAYS}),
        "DataActions": [],
        "AssignableScopes": [scope],
    }
