"""Stand-ins for Azure's computed outputs.

Ids: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-resource#resourceid
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from unmoor.recording.stand_ins.base import FakeResource, Outputs, canonical

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
# Where a resource lies, and the inputs that name it and what holds it, outermost first.
NAMES = {
    "Blob": (
        ("storageAccounts", "accountName"),
        ("blobServices", None),
        ("containers", "containerName"),
        ("blobs", "blobName"),
    ),
    "BlobContainer": (("storageAccounts", "accountName"), ("blobServices", None), ("containers", "containerName")),
    "ContainerApp": (("containerApps", "containerAppName"),),
    "Job": (("jobs", "jobName"),),
    "ManagedCertificate": (
        ("managedEnvironments", "environmentName"),
        ("managedCertificates", "managedCertificateName"),
    ),
    "ManagedEnvironment": (("managedEnvironments", "environmentName"),),
    "Registry": (("registries", "registryName"),),
    "RoleAssignment": (("roleAssignments", "roleAssignmentName"),),
    "RoleDefinition": (("roleDefinitions", "roleDefinitionId"),),
    "Secret": (("vaults", "vaultName"), ("secrets", "secretName")),
    "StorageAccount": (("storageAccounts", "accountName"),),
    "UserAssignedIdentity": (("userAssignedIdentities", "resourceName"),),
    "Vault": (("vaults", "vaultName"),),
    "Workspace": (("workspaces", "workspaceName"),),
}


def azure_id(asked: FakeResource) -> str:
    """The resource's id, made of the inputs that name it and its group."""
    _, module, kind = asked.type.split(":")
    if kind == "ResourceGroup":
        return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{asked.input('resourceGroupName')}"
    steps = NAMES.get(kind, ((kind[0].lower() + kind[1:] + "s", None),))
    path = "/".join(f"{step}/{_named(asked, key)}" for step, key in steps)
    scope = str(asked.inputs.get("scope") or _group(asked))
    return f"{scope}/providers/{NAMESPACES.get(module, f'Microsoft.{module.capitalize()}')}/{path}"


def azure_identity(asked: FakeResource) -> Outputs:
    """The `identity` that Azure gives back: a list of ids goes in, a mapping of them comes out."""
    identity = asked.inputs.get("identity")
    if not isinstance(identity, Mapping) or not isinstance(identity.get("userAssignedIdentities"), list):
        return {}
    known = {
        i: {"principalId": asked.uuid(i), "clientId": asked.uuid(f"{i}c")} for i in identity["userAssignedIdentities"]
    }
    return {"identity": {**identity, "userAssignedIdentities": known}}


def _group(asked: FakeResource) -> str:
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{asked.inputs.get('resourceGroupName', 'group')}"


def _named(asked: FakeResource, key: str | None) -> str:
    return asked.input(key) if key else "default"


def _with(key: str, **more: Callable[[FakeResource], Any]) -> Callable[[FakeResource], Outputs]:
    """A resource whose `name` output is its naming input, and what else is known of it."""

    def outputs(asked: FakeResource) -> Outputs:
        return {"name": asked.input(key), **{k: value(asked) for k, value in more.items()}}

    return outputs


def _container_app(asked: FakeResource) -> Outputs:
    name = asked.input("containerAppName")
    fqdn = f"{name}.happyhill-01234567.westeurope.azurecontainerapps.io"
    configuration = {**asked.inputs.get("configuration", {})}
    if configuration.get("ingress"):
        configuration["ingress"] = {**configuration["ingress"], "fqdn": fqdn}
    revision = {"latestRevisionName": f"{name}--{asked.hex(7)}", "latestRevisionFqdn": fqdn}
    return {"name": name, "configuration": configuration, **revision}


def _vault(asked: FakeResource) -> Outputs:
    name = asked.input("vaultName")
    return {
        "name": name,
        "properties": {**asked.inputs.get("properties", {}), "vaultUri": f"https://{name}.vault.azure.net/"},
    }


def _secret(asked: FakeResource) -> Outputs:
    uri = f"https://{asked.input('vaultName')}.vault.azure.net/secrets/{asked.input('secretName')}"
    # Azure never gives the value back.
    known = {"secretUri": uri, "secretUriWithVersion": f"{uri}/{asked.hex(32, _fingerprint(asked))}"}
    return {"name": asked.input("secretName"), "properties": known}


def _fingerprint(asked: FakeResource) -> str:
    """What makes another value another version."""
    return canonical(asked.inputs.get("properties"))


def _identity(asked: FakeResource) -> Outputs:
    ids = {k: asked.uuid(k) for k in ("principalId", "clientId")}
    return {"name": asked.input("resourceName"), "tenantId": TENANT, **ids}


def _environment(asked: FakeResource) -> Outputs:
    proof = {"customDomainVerificationId": asked.hex(64).upper()}
    return {
        "name": asked.input("environmentName"),
        "defaultDomain": "happyhill-01234567.westeurope.azurecontainerapps.io",
        "staticIp": "203.0.113.20",
        "customDomainConfiguration": {**asked.inputs.get("customDomainConfiguration", {}), **proof},
    }


def _storage(asked: FakeResource) -> Outputs:
    name = asked.input("accountName")
    kinds = ("blob", "dfs", "file", "queue", "table")
    return {"name": name, "primaryEndpoints": {k: f"https://{name}.{k}.core.windows.net/" for k in kinds}}


AZURE: Mapping[str, Callable[[FakeResource], Outputs]] = {
    "azure-native:app:ContainerApp": _container_app,
    "azure-native:app:Job": _with("jobName"),
    "azure-native:app:ManagedCertificate": _with("managedCertificateName"),
    "azure-native:app:ManagedEnvironment": _environment,
    "azure-native:authorization:RoleAssignment": _with("roleAssignmentName"),
    "azure-native:authorization:RoleDefinition": _with("roleDefinitionId"),
    "azure-native:containerregistry:Registry": _with(
        "registryName", loginServer=lambda a: f"{a.input('registryName')}.azurecr.io"
    ),
    "azure-native:keyvault:Secret": _secret,
    "azure-native:keyvault:Vault": _vault,
    "azure-native:managedidentity:UserAssignedIdentity": _identity,
    "azure-native:operationalinsights:Workspace": _with("workspaceName", customerId=lambda a: a.uuid()),
    "azure-native:resources:ResourceGroup": _with("resourceGroupName"),
    "azure-native:storage:Blob": _with(
        "blobName", url=lambda a: f"https://x.blob.core.windows.net/{a.input('blobName')}"
    ),
    "azure-native:storage:BlobContainer": _with("containerName"),
    "azure-native:storage:StorageAccount": _storage,
}
