"""Google's errors with their remedies, and which of them pass with time."""

from __future__ import annotations

from unmoor.target import FailureHint

# Cloud Run's first creation of a service sets its id and then waits; if that fails, an update without a change makes no
# call, and no revision comes. A service that has ever worked has this output.
# https://github.com/hashicorp/terraform-provider-google/blob/main/google/services/cloudrunv2/resource_cloud_run_v2_service.go
RECREATED_IF_NEVER_READY = {"gcp:cloudrunv2/service:Service": "latestReadyRevision"}
ENABLE_FIRST = (
    "gcloud services enable cloudresourcemanager.googleapis.com serviceusage.googleapis.com --project PROJECT, then "
    "run this again"
)
FAILURE_HINTS = (
    # Both are needed to enable any other API, and to see that it is enabled:
    # https://github.com/hashicorp/terraform-provider-google/issues/11435
    FailureHint(
        pattern=r"(Cloud Resource Manager|Service Usage) API has not been used|(cloudresourcemanager|serviceusage)"
        r"\.googleapis\.com[^;]*(is disabled|SERVICE_DISABLED)",
        remedy=f"the project cannot enable APIs yet: run {ENABLE_FIRST}",
    ),
    # "no guarantee that the service can be used immediately":
    # https://docs.cloud.google.com/service-usage/docs/enable-disable
    FailureHint(
        pattern=r"SERVICE_DISABLED|has not been used in project|API .*is disabled",
        remedy="unmoor enabled this API just now; run this again in a minute",
        wait_s=60,
    ),
    # Two minutes as a rule, seven or more at worst: https://docs.cloud.google.com/iam/docs/access-change-propagation
    FailureHint(
        pattern=r"Permission denied on secret|permission to access the secret|secretmanager\.versions\.access",
        remedy="a new grant can take some minutes to be in force: run this again",
        wait_s=120,
    ),
    FailureHint(
        pattern=r"failed to start and listen on the port",
        remedy="the service's logs in Cloud Logging tell why the container ended; if they show 403, a new grant was "
        "not in force yet: run this again",
    ),
    FailureHint(
        pattern=r"rateLimitExceeded|RATE_LIMIT_EXCEEDED|\bError 429\b|RESOURCE_?EXHAUSTED",
        remedy="Google limits requests per minute: run this again in a minute, or request the quota that it names",
        wait_s=60,
    ),
    # https://docs.cloud.google.com/run/docs/securing/ingress#organization-policy
    FailureHint(
        pattern=r"run\.allowedIngress",
        remedy="a policy of the organization forbids services that the internet reaches; the guard is one, though it "
        "answers only runs with an identity token: have its administrator allow ingress `all` for this project",
    ),
    FailureHint(
        pattern=r"constraints/\w+\.\w+|allowedPolicyMemberDomains|one or more users named in the policy do not belong",
        remedy="a policy of the organization forbids it: have its administrator allow it for this project, or set "
        "targets.gcp-cloud-run.public_access to the other way of opening the gateway",
    ),
    # https://docs.cloud.google.com/logging/docs/buckets#delete-bucket
    FailureHint(
        pattern=r"DELETE_REQUESTED|[Bb]ucket .*pending deletion",
        remedy="a deleted log bucket holds its name for 7 days: gcloud logging buckets undelete ID --location REGION",
    ),
)
