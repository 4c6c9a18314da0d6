"""Every example on every target through the real engine: made once, unchanged ever after, and gone at the end."""

from __future__ import annotations

import pytest
from deploys import TARGETS, deploy
from real_engine import Engine

EXAMPLES = ("01-hello", "02-issue-triage", "03-nightly-report", "04-inbox", "05-pr-review", "06-everything")
CASES = [
    (e, t, "utc" if (e, t) == ("06-everything", "azure-container-apps") else None) for e in EXAMPLES for t in TARGETS
]

# What outlives the stack: what the agent has kept, what it lies in, and the rules over it.
KEPT = {
    "aws-ecs": [
        "aws:s3/bucket:Bucket store",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration store",
        "aws:s3/bucketObjectv2:BucketObjectv2 bundle",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls store",
        "aws:s3/bucketPolicy:BucketPolicy store",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock store",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration store",
        "aws:s3/bucketVersioning:BucketVersioning store",
    ],
    "azure-container-apps": [
        "azure-native:resources:ResourceGroup group",
        "azure-native:storage:Blob bundle",
        "azure-native:storage:BlobContainer store",
        "azure-native:storage:BlobServiceProperties store",
        "azure-native:storage:ManagementPolicy store",
        "azure-native:storage:StorageAccount store",
    ],
    "gcp-cloud-run": [
        "gcp:logging/projectBucketConfig:ProjectBucketConfig logs",
        "gcp:storage/bucket:Bucket store",
        "gcp:storage/bucketObject:BucketObject bundle",
    ],
    "vm-docker": [
        f"docker:index/volume:Volume store-{part}"
        for part in ("budget", "bundles", "deliveries", "queue", "runs", "sessions")
    ],
}


@pytest.mark.parametrize(("example", "target", "environment"), CASES)
def test_an_example_is_made_once_and_unmade_but_for_its_data(
    engine: Engine, example: str, target: str, environment: str | None
) -> None:
    deployed = deploy(engine, example, target, environment=environment)
    made = deployed.up().changes
    assert set(made) == {"create"}
    assert deployed.unaccounted() == []
    with engine.cloud.changing() as changed:
        again = deployed.up(refresh=True)
    assert (again.changes, again.steps, changed) == ({"same": made["create"]}, [], [])
    assert deployed.destroy().changes == {"delete": made["create"]}
    assert engine.state(deployed.agent, deployed.stack.name) == []
    kept = [f"{t.type} {t.name.removeprefix(f'{deployed.agent}-')}" for t in engine.cloud.things()]
    assert kept == KEPT[target]


@pytest.mark.parametrize("target", TARGETS)
def test_a_preview_tells_what_is_made_and_makes_nothing(engine: Engine, target: str) -> None:
    deployed = deploy(engine, "06-everything", target, environment="utc" if target == "azure-container-apps" else None)
    told = deployed.preview()
    assert set(told.changes) == {"create"}
    assert engine.cloud.changes() == []
    assert deployed.up() == told
