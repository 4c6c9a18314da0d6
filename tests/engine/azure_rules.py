"""What Azure refuses, each with its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from azure_calls import PATHS, denied, operations
from role_enforced import RoleEnforced
from rules import Refused, Rule

BELOW = "below the subscription"
APP, CERTIFICATE = "azure-native:app:ContainerApp", "azure-native:app:ManagedCertificate"


def role_enforced(policy: Mapping[str, Any]) -> RoleEnforced:
    """The printed custom roles. A secret's deletion needs a data action, which no Owner has by default:
    https://learn.microsoft.com/azure/key-vault/general/rbac-guide
    A role definition is read and deleted below the subscription, whatever its scope:
    https://github.com/Azure/azure-cli/issues/28354
    """
    roles = policy.get("roles", [policy])
    everywhere = {action for role in roles for action in (*role["Actions"], *role["DataActions"])}
    on_subscription = {
        f"{action} {BELOW}"
        for role in roles
        if any("/resourceGroups/" not in scope for scope in role["AssignableScopes"])
        for action in role["Actions"]
    }
    return RoleEnforced(calls=_scoped, allowed=everywhere | on_subscription, denied=denied)


def _scoped(verb: str, type_: str, inputs: Mapping[str, Any]) -> Sequence[str]:
    needed = operations(verb, type_, inputs)
    below = type_ == "azure-native:authorization:RoleDefinition" and verb in ("read", "delete")
    return [f"{operation} {BELOW}" for operation in needed] if below else needed


def owner(verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Any) -> None:
    """An Owner may do all of Resource Manager's operations and has no data action of Key Vault:
    https://learn.microsoft.com/azure/key-vault/general/rbac-guide
    The provider deletes a secret in the vault itself, and Resource Manager cannot:
    https://github.com/Azure/terraform-provider-azapi/issues/879
    """
    if (verb, type_) == ("delete", "azure-native:keyvault:Secret"):
        action = "Microsoft.KeyVault/vaults/secrets/delete"
        raise Refused(f"Caller is not authorized to perform action on resource. Action: '{action}' RESPONSE 403")


def certificate_in_use(verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Any) -> None:
    """A certificate whose name an app still has cannot be deleted, nor be put with another name:
    https://github.com/rajbos/ai-engineering-fluency/pull/739
    https://github.com/hashicorp/terraform-provider-azurerm/issues/21866
    """
    if type_ != CERTIFICATE or verb not in ("delete", "update"):
        return
    for app in (t for t in cloud.things() if t.type == APP):
        domains = app.inputs["configuration"]["ingress"].get("customDomains") or []
        if inputs["properties"]["subjectName"] in [d["name"] for d in domains]:
            raise Refused(f"400 CertificateInUse: Certificate {name} is used by existing custom domains")


def registered_but_for(namespace: str) -> Rule:
    """A subscription's resource providers are registered one by one, and Pulumi's provider registers none:
    https://github.com/pulumi/pulumi-azure-native/issues/3479
    """

    def rule(verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Any) -> None:
        path = PATHS.get(type_.removeprefix("azure-native:"), "")
        if verb == "create" and path.startswith(f"{namespace}/"):
            raise Refused(
                f'Code="MissingSubscriptionRegistration" Message="The subscription is not registered to use namespace '
                f"'{namespace}'\""
            )

    return rule


def no_room_for_environments(verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Any) -> None:
    """A subscription has 15 environments in a region: https://learn.microsoft.com/azure/container-apps/quotas"""
    if (verb, type_) == ("create", "azure-native:app:ManagedEnvironment"):
        raise Refused('Code="MaxNumberOfRegionalEnvironmentsInSubExceeded" Message="The subscription cannot have more"')


@dataclass(slots=True)
class AssignmentsComeLate:
    """A role assignment is in force only some requests after it was created; until then Azure cannot fetch the secrets
    of a job or an app: https://github.com/microsoft/azure-container-apps/issues/1174
    """

    refusals: int

    def __call__(self, verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Any) -> None:
        if verb == "create" and type_ in (APP, "azure-native:app:Job") and self.refusals > 0:
            self.refusals -= 1
            raise Refused("Failed to provision revision: Unable to get value using Managed identity system for secret")
