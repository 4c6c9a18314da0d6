"""The store: one bucket, encrypted, versioned, not public, with expiry by age."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_gcp as gcp

from unmoor.target.store_expiry import expiry_days

from .context import Context
from .names import bucket_name

# How long replaced and deleted objects can be recovered.
REPLACED_DAYS = 7
RECOVERABLE_S = 7 * 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The bucket, its URL for the runtime, and the bundle in it."""

    bucket: gcp.storage.Bucket
    url: pulumi.Output[str]
    bundle: gcp.storage.BucketObject


def store(context: Context) -> Store:
    """The bucket with the agent's bundle; retained on deletion unless destroy_data is set."""
    bucket = gcp.storage.Bucket(
        context.logical("store"),
        name=bucket_name(context.plan, context.settings),
        location=context.settings.region.upper(),
        storage_class="STANDARD",
        uniform_bucket_level_access=True,
        public_access_prevention="enforced",
        versioning={"enabled": True},
        soft_delete_policy={"retention_duration_seconds": 0 if context.settings.destroy_data else RECOVERABLE_S},
        lifecycle_rules=_lifecycle(context),
        encryption=_encryption(context),
        force_destroy=context.settings.destroy_data,
        labels=context.labels,
        opts=context.using("storage", kept=True),
    )
    bundle = gcp.storage.BucketObject(
        context.logical("bundle"),
        bucket=bucket.name,
        name=context.options.bundle.key,
        source=pulumi.FileAsset(str(context.options.bundle.path)),
        content_type="application/x-tar",
        # An execution that still runs may read the previous bundle.
        opts=pulumi.ResourceOptions.merge(context.child, pulumi.ResourceOptions(retain_on_delete=True)),
    )
    return Store(bucket=bucket, url=pulumi.Output.concat("gs://", bucket.name), bundle=bundle)


def _encryption(context: Context) -> gcp.storage.BucketEncryptionArgsDict | None:
    """The user's key; without one Google encrypts with its own."""
    key = context.settings.kms_key
    return {"default_kms_key_name": key} if key else None


def _lifecycle(context: Context) -> list[Any]:
    rules = [
        *(
            ("Delete", {"age": days, "matches_prefixes": [prefix], "with_state": "ANY"})
            for prefix, days in expiry_days(context.plan).items()
        ),
        ("Delete", {"days_since_noncurrent_time": REPLACED_DAYS, "with_state": "ARCHIVED"}),
        ("AbortIncompleteMultipartUpload", {"age": 1, "with_state": "ANY"}),
    ]
    return [{"action": {"type": action}, "condition": condition} for action, condition in rules]
