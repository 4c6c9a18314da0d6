"""What Azure refuses, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azure_calls import denied, operations
from role_enforced import RoleEnforced
from rules import Refused

APP, CERTIFICATE = "azure-native:app:ContainerApp", "azure-native:app:ManagedCertificate"


def role_enforced(role: Mapping[str, Any]) -> RoleEnforced:
    """The printed custom role. A secret's deletion needs a data action, which no Owner has by default:
    https://learn.microsoft.com/azure/key-vault/general/rbac-guide
    """
    return RoleEnforced(calls=operations, allowed={*role["Actions"], *role["DataActions"]}, denied=denied)


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
