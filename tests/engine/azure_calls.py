"""The operations that Azure authorizes for each request of Pulumi's provider.

Create looks whether the resource is there and then puts it, update puts, read gets, delete deletes:
https://github.com/pulumi/pulumi-azure-native/blob/master/provider/pkg/provider/provider.go (Create, Update, Read, Delete)
https://learn.microsoft.com/azure/role-based-access-control/permissions-reference
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

PATHS = {
    "app:Certificate": "Microsoft.App/managedEnvironments/certificates",
    "app:ContainerApp": "Microsoft.App/containerApps",
    "app:Job": "Microsoft.App/jobs",
    "app:ManagedCertificate": "Microsoft.App/managedEnvironments/managedCertificates",
    "app:ManagedEnvironment": "Microsoft.App/managedEnvironments",
    "authorization:RoleAssignment": "Microsoft.Authorization/roleAssignments",
    "authorization:RoleDefinition": "Microsoft.Authorization/roleDefinitions",
    "containerregistry:Registry": "Microsoft.ContainerRegistry/registries",
    "keyvault:Secret": "Microsoft.KeyVault/vaults/secrets",
    "keyvault:Vault": "Microsoft.KeyVault/vaults",
    "managedidentity:UserAssignedIdentity": "Microsoft.ManagedIdentity/userAssignedIdentities",
    "monitor:DiagnosticSetting": "Microsoft.Insights/diagnosticSettings",
    "operationalinsights:Workspace": "Microsoft.OperationalInsights/workspaces",
    "resources:ResourceGroup": "Microsoft.Resources/subscriptions/resourceGroups",
    "storage:BlobContainer": "Microsoft.Storage/storageAccounts/blobServices/containers",
    "storage:BlobServiceProperties": "Microsoft.Storage/storageAccounts/blobServices",
    "storage:ManagementPolicy": "Microsoft.Storage/storageAccounts/managementPolicies",
    "storage:StorageAccount": "Microsoft.Storage/storageAccounts",
}
OPERATIONS = {"create": ("read", "write"), "update": ("write",), "read": ("read",), "delete": ("delete",)}
# Uploading, reading and deleting a blob begins with the account's keys:
# https://github.com/pulumi/pulumi-azure-native/blob/master/provider/pkg/resources/customresources/custom_storage.go
BLOB = ("Microsoft.Storage/storageAccounts/read", "Microsoft.Storage/storageAccounts/listKeys/action")
# https://learn.microsoft.com/azure/container-registry/container-registry-roles
PUSH = ("Microsoft.ContainerRegistry/registries/pull/read", "Microsoft.ContainerRegistry/registries/push/write")
# A secret's deletion calls the vault itself, where Azure asks for a data action:
# https://github.com/pulumi/pulumi-azure-native/blob/master/provider/pkg/resources/customresources/custom_keyvault.go
# What Azure has no deletion for, the provider puts back to its defaults.
INSTEAD: Mapping[tuple[str, str], Sequence[str]] = {
    ("delete", "keyvault:Secret"): ("Microsoft.KeyVault/vaults/secrets/delete",),
    ("delete", "storage:BlobServiceProperties"): ("Microsoft.Storage/storageAccounts/blobServices/write",),
}
ASSIGN = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
JOIN = "Microsoft.App/managedEnvironments/join/action"
# What a put refers to is authorized too: identities, an app's environment, a diagnostic setting's workspace.
# https://learn.microsoft.com/azure/container-apps/managed-identity https://github.com/JimGBritt/AzurePolicy/issues/17
LINKED: Mapping[str, Sequence[str]] = {
    "app:ContainerApp": (ASSIGN, JOIN, "Microsoft.App/locations/containerappOperationStatuses/read"),
    "app:Job": (ASSIGN, JOIN, "Microsoft.App/locations/containerappOperationStatuses/read"),
    "app:ManagedEnvironment": ("Microsoft.App/locations/managedEnvironmentOperationStatuses/read",),
    "monitor:DiagnosticSetting": ("Microsoft.OperationalInsights/workspaces/sharedKeys/action",),
}


def operations(verb: str, type_: str, inputs: Mapping[str, Any]) -> Sequence[str]:
    """What the request is authorized for; KeyError for a type that the table does not know."""
    if type_.startswith("docker-build:"):
        return PUSH if verb in ("create", "update") else ()
    kind = type_.removeprefix("azure-native:")
    if verb == "invoke" or kind == type_:
        return ()  # the client's own configuration and token: no request to Resource Manager
    if kind == "storage:Blob":
        return BLOB
    if (verb, kind) in INSTEAD:
        return INSTEAD[verb, kind]
    linked = LINKED.get(kind, ()) if verb in ("create", "update") else ()
    return [*(f"{PATHS[kind]}/{operation}" for operation in OPERATIONS[verb]), *linked]


def denied(operation: str) -> str:
    """Resource Manager's words: https://learn.microsoft.com/azure/role-based-access-control/troubleshooting"""
    return (
        "Code=\"AuthorizationFailed\" Message=\"The client 'deployer' with object id '0000' does not have authorization "
        f"to perform action '{operation}' over scope '/subscriptions/1' or the scope is invalid.\""
    )
