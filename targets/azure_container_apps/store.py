"""The store: a blob container in its own account, encrypted, versioned, not public, with expiry by age."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_azure_native as az
import pulumi_random as random

from unmoor.target.store_expiry import expiry_days

from .context import Context
from .grants import BLOB_ACTIONS, role
from .names import CONTAINER, STORAGE

# Replaced and deleted blobs, and a deleted container, can be recovered for a week.
RECOVERABLE_DAYS = 7
# Enough that no two deployments of one bundle share a name.
DRAWN_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Account and container, the URL for the runtime, the bundle, and the role for its blobs."""

    account: az.storage.StorageAccount
    container: az.storage.BlobContainer
    url: pulumi.Output[str]
    bundle: az.storage.Blob
    role_definition: az.authorization.RoleDefinition
    role: pulumi.Output[str]


def store(context: Context) -> Store:
    """The container with the agent's bundle; retained on deletion unless destroy_data is set."""
    account = _account(context)
    container = az.storage.BlobContainer(
        context.logical("store"),
        container_name=CONTAINER,
        account_name=account.name,
        resource_group_name=context.group,
        public_access=az.storage.PublicAccess.NONE,
        opts=context.kept,
    )
    _expire(context, account, container)
    definition, guid = role(context, "store", data_actions=[a for actions in BLOB_ACTIONS.values() for a in actions])
    return Store(
        account=account,
        container=container,
        url=pulumi.Output.concat("az://", container.name, "@", account.name, ".blob.core.windows.net"),
        bundle=_bundle(context, account, container),
        role_definition=definition,
        role=guid,
    )


def _bundle(
    context: Context, account: az.storage.StorageAccount, container: az.storage.BlobContainer
) -> az.storage.Blob:
    """The bundle under its digest and random digits: the provider refuses to overwrite a blob, and a retained
    earlier bundle may be deployed again.
    """
    bundle = context.options.bundle
    draw = random.RandomId(
        context.logical("bundle"), byte_length=DRAWN_BYTES, keepers={"bundle": bundle.sha256}, opts=context.bare
    )
    return az.storage.Blob(
        context.logical("bundle"),
        blob_name=pulumi.Output.concat(bundle.key.removesuffix(".tar"), "/", draw.hex, ".tar"),
        account_name=account.name,
        container_name=container.name,
        resource_group_name=context.group,
        source=pulumi.FileAsset(str(bundle.path)),
        content_type="application/x-tar",
        # A replica that still runs may read the previous bundle.
        opts=pulumi.ResourceOptions.merge(context.child, pulumi.ResourceOptions(retain_on_delete=True)),
    )


def _account(context: Context) -> az.storage.StorageAccount:
    redundancy = "Standard_ZRS" if context.settings.zone_redundant else "Standard_LRS"
    on: Any = {"enabled": True, "key_type": "Account"}
    return az.storage.StorageAccount(
        context.logical("store"),
        account_name=context.unique_name(STORAGE),
        kind="StorageV2",
        sku={"name": redundancy},
        access_tier=az.storage.AccessTier.HOT,
        minimum_tls_version="TLS1_2",
        enable_https_traffic_only=True,
        allow_blob_public_access=False,
        allow_cross_tenant_replication=False,
        # Pulumi's Azure provider uploads blobs only with the account's key; no identity of the agent may read the key.
        # https://github.com/pulumi/pulumi-azure-native/issues/2015
        allow_shared_key_access=True,
        default_to_o_auth_authentication=True,
        encryption={"key_source": "Microsoft.Storage", "services": {"blob": on, "file": on}},
        **{**context.common_args, "opts": context.kept},
    )


def _expire(context: Context, account: az.storage.StorageAccount, container: az.storage.BlobContainer) -> None:
    week: Any = {"enabled": True, "days": RECOVERABLE_DAYS}
    service = az.storage.BlobServiceProperties(
        context.logical("store"),
        blob_services_name="default",
        account_name=account.name,
        resource_group_name=context.group,
        is_versioning_enabled=True,
        delete_retention_policy=week,
        container_delete_retention_policy=week,
        opts=context.kept,
    )
    az.storage.ManagementPolicy(
        context.logical("store"),
        management_policy_name="default",
        account_name=account.name,
        resource_group_name=context.group,
        policy={
            "rules": [
                *(_expiry(container, prefix, days) for prefix, days in expiry_days(context.plan).items()),
                _rule("replaced", "", container, version_days=RECOVERABLE_DAYS),
            ]
        },
        opts=pulumi.ResourceOptions.merge(context.kept, pulumi.ResourceOptions(depends_on=[service])),
    )


def _expiry(
    container: az.storage.BlobContainer, prefix: str, after_days: int
) -> az.storage.ManagementPolicyRuleArgsDict:
    return _rule(prefix.rstrip("/").replace("/", "-"), prefix, container, blob_days=after_days)


def _rule(
    title: str, prefix: str, container: az.storage.BlobContainer, *, blob_days: int = 0, version_days: int = 0
) -> az.storage.ManagementPolicyRuleArgsDict:
    """Delete blobs by days since the last write, or versions by days since their creation."""
    old: Any = {"days_after_modification_greater_than": blob_days}
    replaced: Any = {"days_after_creation_greater_than": version_days}
    return {
        "name": title,
        "type": "Lifecycle",
        "enabled": True,
        "definition": {
            "filters": {
                "blob_types": ["blockBlob"],
                "prefix_match": [pulumi.Output.concat(container.name, "/", prefix)],
            },
            "actions": {
                "base_blob": {"delete": old} if blob_days else None,
                "version": {"delete": replaced} if version_days else None,
            },
        },
    }
