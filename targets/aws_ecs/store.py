"""The store: one S3 bucket, encrypted, versioned, not public, with expiry by age."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from unmoor.target.store_expiry import expiry_days

from .context import Context, policy
from .names import name


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The bucket, its URL for the runtime, and the bundle in it."""

    bucket: aws.s3.Bucket
    url: pulumi.Output[str]
    bundle: aws.s3.BucketObjectv2


def store(context: Context) -> Store:
    """The bucket with the agent's bundle; retained on deletion unless destroy_data is set."""
    bucket = aws.s3.Bucket(
        context.logical("store"),
        # Bucket names are global, so AWS adds a unique suffix.
        bucket_prefix=name(context.plan, "store")[:37],
        force_destroy=context.settings.destroy_data,
        tags=context.tags,
        opts=context.kept,
    )
    _block_public_access(context, bucket)
    _expire(context, bucket)
    bundle = aws.s3.BucketObjectv2(
        context.logical("bundle"),
        bucket=bucket.bucket,
        key=context.options.bundle.key,
        source=pulumi.FileAsset(str(context.options.bundle.path)),
        content_type="application/x-tar",
        tags=context.tags,
        # A task that still runs may read the previous bundle.
        opts=pulumi.ResourceOptions.merge(context.child, pulumi.ResourceOptions(retain_on_delete=True)),
    )
    return Store(bucket=bucket, url=pulumi.Output.concat("s3://", bucket.bucket), bundle=bundle)


def _block_public_access(context: Context, bucket: aws.s3.Bucket) -> None:
    """Access only by TLS and by a role, also while the bucket is retained."""
    block = aws.s3.BucketPublicAccessBlock(
        context.logical("store"),
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=context.kept,
    )
    aws.s3.BucketOwnershipControls(
        context.logical("store"),
        bucket=bucket.bucket,
        rule={"object_ownership": "BucketOwnerEnforced"},
        opts=context.kept,
    )
    aws.s3.BucketServerSideEncryptionConfiguration(
        context.logical("store"),
        bucket=bucket.bucket,
        rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
        opts=context.kept,
    )
    only_tls = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket.arn, pulumi.Output.concat(bucket.arn, "/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    aws.s3.BucketPolicy(
        context.logical("store"), bucket=bucket.bucket, policy=policy([only_tls]), opts=_retained_after(context, block)
    )


def _expire(context: Context, bucket: aws.s3.Bucket) -> None:
    versioning = aws.s3.BucketVersioning(
        context.logical("store"),
        bucket=bucket.bucket,
        versioning_configuration={"status": "Enabled"},
        opts=context.kept,
    )
    aws.s3.BucketLifecycleConfiguration(
        context.logical("store"),
        bucket=bucket.bucket,
        rules=[
            *(_expiry(prefix, days) for prefix, days in expiry_days(context.plan).items()),
            _cleanup_rule(),
        ],
        opts=_retained_after(context, versioning),
    )


def _retained_after(context: Context, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(context.kept, pulumi.ResourceOptions(depends_on=list(resources)))


def _expiry(prefix: str, after_days: int) -> aws.s3.BucketLifecycleConfigurationRuleArgsDict:
    return {
        "id": prefix.rstrip("/").replace("/", "-"),
        "status": "Enabled",
        "filter": {"prefix": prefix},
        "expiration": {"days": after_days},
    }


def _cleanup_rule() -> aws.s3.BucketLifecycleConfigurationRuleArgsDict:
    """Noncurrent versions are deleted after a week, incomplete uploads after a day, and delete markers once no version
    is left: each run leaves one below queue/, and they slow down its listings.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-configuration-examples.html
    """
    return {
        "id": "leftovers",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "expiration": {"expired_object_delete_marker": True},
        "noncurrent_version_expiration": {"noncurrent_days": 7},
        "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
    }
