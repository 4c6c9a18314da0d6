"""Google Cloud's rules for names and labels, and the names of the agent's resources.

Names come from agent and environment, so they are known in advance. Bucket names are global and end in a digest of the
project.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from unmoor.plan import Plan, Schedule, Secret
from unmoor.plan.physical_names import NameRule, physical_name, release_tags, tags

from .settings import CloudRunSettings

SERVICE = NameRule(49, source="https://docs.cloud.google.com/run/docs/reference/rest/v2/projects.locations.services")
JOB = NameRule(49, source="https://docs.cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs")
ACCOUNT = NameRule(
    30, source="https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/create"
)
SECRET = NameRule(
    255, source="https://docs.cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets/create"
)
BUCKET = NameRule(63, source="https://docs.cloud.google.com/storage/docs/buckets#naming")
REPOSITORY = NameRule(
    63, source="https://docs.cloud.google.com/artifact-registry/docs/reference/rest/v1/projects.locations.repositories"
)
SCHEDULE = NameRule(
    500, source="https://docs.cloud.google.com/scheduler/docs/reference/rest/v1/projects.locations.jobs"
)
LOGS = NameRule(
    100, source="https://docs.cloud.google.com/logging/docs/reference/v2/rest/v2/projects.locations.buckets"
)
# The random digits of a log bucket's name, in bytes.
LOG_BYTES = 4
BEFORE_DIGITS = NameRule(LOGS.max_length - 2 * LOG_BYTES - 1, source=LOGS.source)
COMPUTE = NameRule(63, source="https://docs.cloud.google.com/compute/docs/naming-resources")

# Kinds of Compute Engine.
COMPUTE_KINDS = "Address BackendService GlobalAddress GlobalForwardingRule ManagedSslCertificate"
COMPUTE_KINDS += " Network RegionNetworkEndpointGroup Router RouterNat SSLPolicy"
COMPUTE_KINDS += " Subnetwork TargetHttpProxy TargetHttpsProxy URLMap"
NAME_LIMITS = {
    **{f"gcp:compute/{kind[0].lower()}{kind[1:]}:{kind}.name": COMPUTE.max_length for kind in COMPUTE_KINDS.split()},
    "gcp:artifactregistry/repository:Repository.repositoryId": REPOSITORY.max_length,
    "gcp:cloudrunv2/job:Job.name": JOB.max_length,
    "gcp:cloudrunv2/service:Service.name": SERVICE.max_length,
    "gcp:cloudscheduler/job:Job.name": SCHEDULE.max_length,
    "gcp:logging/projectBucketConfig:ProjectBucketConfig.bucketId": LOGS.max_length,
    "gcp:logging/projectSink:ProjectSink.name": LOGS.max_length,
    "gcp:secretmanager/secret:Secret.secretId": SECRET.max_length,
    "gcp:serviceaccount/account:Account.accountId": ACCOUNT.max_length,
    "gcp:storage/bucket:Bucket.name": BUCKET.max_length,
}


def name(plan: Plan, role: str, rule: NameRule = SERVICE) -> str:
    return physical_name(plan, role, rule)


def bucket_name(plan: Plan, settings: CloudRunSettings) -> str:
    """The store's globally unique name."""
    return physical_name(plan, "store", BUCKET, scope=settings.project)


def secret_name(plan: Plan, secret: Secret) -> str:
    return physical_name(plan, f"secret-{secret.name}", SECRET)


def schedule_name(plan: Plan, schedule: Schedule) -> str:
    return physical_name(plan, f"schedule-{schedule.name}", SCHEDULE)


def log_bucket_before_digits(plan: Plan) -> str:
    """The part of a log bucket's name before its random digits."""
    return physical_name(plan, "logs", BEFORE_DIGITS) + "-"


def certificate_name(plan: Plan) -> str:
    """A certificate's name, which changes with the host name, so that a new one is created before the old is
    deleted.
    """
    digest = hashlib.sha256((plan.network.domain or "").encode()).hexdigest()[:8]
    return physical_name(plan, f"domain-{digest}", COMPUTE)


def labels(plan: Plan) -> dict[str, str]:
    """The agent's tags as labels, whose values have no dots and no capitals:
    https://docs.cloud.google.com/resource-manager/docs/labels-overview#requirements
    """
    return _as_labels(tags(plan))


def release_labels(plan: Plan) -> dict[str, str]:
    """The labels of a service, with the version of unmoor that deployed it."""
    return _as_labels(release_tags(plan))


def _as_labels(values: Mapping[str, str]) -> dict[str, str]:
    return {key: re.sub(r"[^a-z0-9_-]", "-", value.lower())[:63] for key, value in values.items()}
