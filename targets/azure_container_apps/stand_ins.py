"""Made-up outputs of Azure's resources and data sources.

Ids: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-resource#resourceid
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from unmoor.target.stand_ins import FakeOutputs, FakeResource, Outputs, StandIns, canonical, template

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
TENANT = "33333333-3333-4333-a333-333333333333"
NAMESPACES = {
    "app": "Microsoft.App",
    "authorization": "Microsoft.Authorization",
    "containerregistry": "Microsoft.ContainerRegistry",
    "insights": "Microsoft.Insights",
    "keyvault": "Microsoft.KeyVault",
    "managedidentity": "Microsoft.ManagedIdentity",
    "monitor": "Microsoft.Insights",
    "network": "Microsoft.Network",
    "operationalinsights": "Microsoft.OperationalInsights",
    "storage": "Microsoft.Storage",
}
ENDPOINTS = ("blob", "dfs", "file", "queue", "table")
# The path of a resource in its group or scope; names in braces are inputs.
PATHS = {
    "Blob": "storageAccounts/{accountName}/blobServices/default/containers/{containerName}/blobs/{blobName}",
    "BlobContainer": "storageAccounts/{accountName}/blobServices/default/containers/{containerName}",
    "ContainerApp": "containerApps/{containerAppName}",
    "Job": "jobs/{jobName}",
    "ManagedCertificate": "managedEnvironments/{environmentName}/managedCertificates/{managedCertificateName}",
    "ManagedEnvironment": "managedEnvironments/{environmentName}",
    "Registry": "registries/{registryName}",
    "RoleAssignment": "roleAssignments/{roleAssignmentName}",
    "RoleDefinition": "roleDefinitions/{roleDefinitionId}",
    "Secret": "vaults/{vaultName}/secrets/{secretName}",
    "StorageAccount": "storageAccounts/{accountName}",
    "UserAssignedIdentity": "userAssignedIdentities/{resourceName}",
    "Vault": "vaults/{vaultName}",
    "Workspace": "workspaces/{workspaceName}",
}


def _every_resource(resource: FakeResource) -> Outputs:
    return {"id": _id(resource), **_assigned_identity(resource)}


def _id(resource: FakeResource) -> str:
    """The resource's id, from its naming inputs and its group."""
    _, module, kind = resource.type.split(":")
    if kind == "ResourceGroup":
        return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{resource.input('resourceGroupName')}"
    path = template(path=PATHS.get(kind, f"{kind[0].lower()}{kind[1:]}s/default"))(resource)["path"]
    scope = str(resource.inputs.get("scope") or _group(resource))
    return f"{scope}/providers/{NAMESPACES.get(module, f'Microsoft.{module.capitalize()}')}/{path}"


def _assigned_identity(resource: FakeResource) -> Outputs:
    """The `identity` that Azure returns: a mapping of the ids in the list."""
    identity = resource.inputs.get("identity")
    if not isinstance(identity, Mapping) or not isinstance(identity.get("userAssignedIdentities"), list):
        return {}
    known = {
        i: {"principalId": resource.uuid(i), "clientId": resource.uuid(f"{i}c")}
        for i in identity["userAssignedIdentities"]
    }
    return {"identity": {**identity, "userAssignedIdentities": known}}


def _group(resource: FakeResource) -> str:
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{resource.inputs.get('resourceGroupName', 'group')}"


def _container_app(resource: FakeResource) -> Outputs:
    name = resource.input("containerAppName")
    fqdn = f"{name}.happyhill-01234567.westeurope.azurecontainerapps.io"
    configuration = {**resource.inputs.get("configuration", {})}
    if configuration.get("ingress"):
        configuration["ingress"] = {**configuration["ingress"], "fqdn": fqdn}
    revision = {"latestRevisionName": f"{name}--{resource.hex(7)}", "latestRevisionFqdn": fqdn}
    return {"name": name, "configuration": configuration, **revision}


def _vault(resource: FakeResource) -> Outputs:
    name = resource.input("vaultName")
    return {
        "name": name,
        "properties": {**resource.inputs.get("properties", {}), "vaultUri": f"https://{name}.vault.azure.net/"},
    }


def _secret(resource: FakeResource) -> Outputs:
    uri = f"https://{resource.input('vaultName')}.vault.azure.net/secrets/{resource.input('secretName')}"
    # Azure never returns the value.
    known = {"secretUri": uri, "secretUriWithVersion": f"{uri}/{resource.hex(32, _fingerprint(resource))}"}
    return {"name": resource.input("secretName"), "properties": known}


def _fingerprint(resource: FakeResource) -> str:
    return canonical(resource.inputs.get("properties"))


def _identity(resource: FakeResource) -> Outputs:
    ids = {k: resource.uuid(k) for k in ("principalId", "clientId")}
    return {"name": resource.input("resourceName"), "tenantId": TENANT, **ids}


def _environment(resource: FakeResource) -> Outputs:
    proof = {"customDomainVerificationId": resource.hex(64).upper()}
    return {
        "name": resource.input("environmentName"),
        "defaultDomain": "happyhill-01234567.westeurope.azurecontainerapps.io",
        "staticIp": "203.0.113.20",
        "customDomainConfiguration": {**resource.inputs.get("customDomainConfiguration", {}), **proof},
    }


RESOURCES: Mapping[str, FakeOutputs] = {
    "azure-native:app:ContainerApp": _container_app,
    "azure-native:app:Job": template(name="{jobName}"),
    "azure-native:app:ManagedCertificate": template(name="{managedCertificateName}"),
    "azure-native:app:ManagedEnvironment": _environment,
    "azure-native:authorization:RoleAssignment": template(name="{roleAssignmentName}"),
    "azure-native:authorization:RoleDefinition": template(name="{roleDefinitionId}"),
    "azure-native:containerregistry:Registry": template(name="{registryName}", loginServer="{registryName}.azurecr.io"),
    "azure-native:keyvault:Secret": _secret,
    "azure-native:keyvault:Vault": _vault,
    "azure-native:managedidentity:UserAssignedIdentity": _identity,
    "azure-native:operationalinsights:Workspace": template(name="{workspaceName}", customerId="{uuid}"),
    "azure-native:resources:ResourceGroup": template(name="{resourceGroupName}"),
    "azure-native:storage:Blob": template(name="{blobName}", url="https://x.blob.core.windows.net/{blobName}"),
    "azure-native:storage:BlobContainer": template(name="{containerName}"),
    "azure-native:storage:StorageAccount": template(
        name="{accountName}",
        primaryEndpoints={k: f"https://{{accountName}}.{k}.core.windows.net/" for k in ENDPOINTS},
    ),
}
DATA_SOURCES: Mapping[str, Callable[[Mapping[str, Any]], Outputs]] = {
    "azure-native:authorization:getClientConfig": lambda args: {
        "clientId": "11111111-1111-4111-a111-111111111111",
        "objectId": "22222222-2222-4222-a222-222222222222",
        "subscriptionId": "00000000-0000-0000-0000-000000000000",
        "tenantId": "33333333-3333-4333-a333-333333333333",
    },
    "azure-native:operationalinsights:getSharedKeys": lambda args: {
        "primarySharedKey": "stand-in-for-a-workspace-key",
        "secondarySharedKey": "stand-in-for-a-workspace-key",
    },
    # An empty token is not exchanged for a registry's password.
    "azure-native:authorization:getClientToken": lambda args: {"token": ""},
}
STAND_INS = StandIns(resources=RESOURCES, data_sources=DATA_SOURCES, packages={"azure-native": _every_resource})
