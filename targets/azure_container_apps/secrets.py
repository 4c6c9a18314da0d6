"""Key Vault: the secrets that the plan creates, and references to existing ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_azure_native as az

from unmoor.plan import Secret

from .context import Context
from .names import VAULT, secret_url

# A vault's least recovery time: https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview
RECOVERABLE_DAYS = 7
LONGEST_TAG = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSecret:
    """A secret's id for role assignments, its URL, and its value if known."""

    secret: Secret
    id: pulumi.Input[str]
    url: pulumi.Input[str]
    value: Any


def secrets(context: Context) -> dict[str, StoredSecret]:
    created = [s for s in context.plan.secrets if s.source != "existing"]
    vault = _vault(context) if created else None
    return {
        s.name: _refer(context, s) if vault is None or s.source == "existing" else _create(context, vault, s)
        for s in context.plan.secrets
    }


def _refer(context: Context, secret: Secret) -> StoredSecret:
    id_ = context.settings.secrets[secret.name]
    return StoredSecret(secret=secret, id=id_, url=secret_url(id_), value=id_)


def _vault(context: Context) -> az.keyvault.Vault:
    return az.keyvault.Vault(
        context.logical("secrets"),
        vault_name=context.unique_name(VAULT),
        properties={
            "tenant_id": context.login.tenant_id,
            "sku": {"family": "A", "name": az.keyvault.SkuName.STANDARD},
            "enable_rbac_authorization": True,
            "enable_soft_delete": True,
            "soft_delete_retention_in_days": RECOVERABLE_DAYS,
            "enabled_for_deployment": False,
            "enabled_for_disk_encryption": False,
            "enabled_for_template_deployment": False,
            "public_network_access": "Enabled",
        },
        **context.common_args,
    )


def _create(context: Context, vault: az.keyvault.Vault, secret: Secret) -> StoredSecret:
    value = context.secret_value(secret)
    stored = az.keyvault.Secret(
        context.logical(f"secret-{secret.name}"),
        secret_name=secret.name,
        vault_name=vault.name,
        resource_group_name=context.group,
        properties={"value": value, "content_type": "text/plain"},
        tags={**context.tags, "holders": " ".join(secret.holders), "origin": secret.source_label[:LONGEST_TAG]},
        # The provider deletes a secret through the vault's data plane, where Owner has no right by default. With the
        # vault, Resource Manager deletes its secrets:
        # https://github.com/pulumi/pulumi-azure-native/blob/master/provider/pkg/resources/customresources/custom_keyvault.go
        opts=pulumi.ResourceOptions.merge(context.child, pulumi.ResourceOptions(deleted_with=vault)),
    )
    # The URL has the version, so that a new value is a new URL. A URL is not a secret.
    url = pulumi.Output.unsecret(stored.properties.secret_uri_with_version)
    return StoredSecret(secret=secret, id=stored.id, url=url, value=value)
