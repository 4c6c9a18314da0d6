"""The permissions that Google asks for at each request of Pulumi's provider.

A create is followed by a read, an update too; a member of a policy is read, changed and written; long operations are
polled: https://github.com/hashicorp/terraform-provider-google (google/services/*/resource_*.go)
https://docs.cloud.google.com/iam/docs/permissions-reference
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NOUNS = {
    "artifactregistry/repository:Repository": "artifactregistry.repositories",
    "cloudrunv2/job:Job": "run.jobs",
    "cloudrunv2/service:Service": "run.services",
    "cloudscheduler/job:Job": "cloudscheduler.jobs",
    "compute/address:Address": "compute.addresses",
    "compute/backendService:BackendService": "compute.backendServices",
    "compute/globalAddress:GlobalAddress": "compute.globalAddresses",
    "compute/globalForwardingRule:GlobalForwardingRule": "compute.globalForwardingRules",
    "compute/managedSslCertificate:ManagedSslCertificate": "compute.sslCertificates",
    "compute/network:Network": "compute.networks",
    "compute/regionNetworkEndpointGroup:RegionNetworkEndpointGroup": "compute.regionNetworkEndpointGroups",
    "compute/router:Router": "compute.routers",
    "compute/sSLPolicy:SSLPolicy": "compute.sslPolicies",
    "compute/subnetwork:Subnetwork": "compute.subnetworks",
    "compute/targetHttpProxy:TargetHttpProxy": "compute.targetHttpProxies",
    "compute/targetHttpsProxy:TargetHttpsProxy": "compute.targetHttpsProxies",
    "compute/uRLMap:URLMap": "compute.urlMaps",
    "dns/recordSet:RecordSet": "dns.resourceRecordSets",
    "logging/projectBucketConfig:ProjectBucketConfig": "logging.buckets",
    "logging/projectSink:ProjectSink": "logging.sinks",
    "secretmanager/secret:Secret": "secretmanager.secrets",
    "serviceaccount/account:Account": "iam.serviceAccounts",
    "storage/bucket:Bucket": "storage.buckets",
}
MEMBERS = {
    "cloudrunv2/jobIamMember:JobIamMember": "run.jobs",
    "cloudrunv2/serviceIamMember:ServiceIamMember": "run.services",
    "secretmanager/secretIamMember:SecretIamMember": "secretmanager.secrets",
    "storage/bucketIAMMember:BucketIAMMember": "storage.buckets",
}
VERBS = {"create": ("create", "get"), "update": ("update", "get"), "read": ("get",), "delete": ("delete",)}
# What does not follow its noun, from the provider's files.
INSTEAD: Mapping[tuple[str, str], Sequence[str]] = {
    # Reading follows enabling, and asks Resource Manager for the project: resource_google_project_service.go
    ("create", "projects/service:Service"): (
        "serviceusage.services.enable",
        "serviceusage.services.list",
        "resourcemanager.projects.get",
    ),
    ("read", "projects/service:Service"): ("serviceusage.services.list", "resourcemanager.projects.get"),
    ("delete", "projects/service:Service"): (),  # disable_on_destroy is off
    ("create", "secretmanager/secretVersion:SecretVersion"): (
        "secretmanager.versions.add",
        "secretmanager.versions.get",
    ),
    ("update", "secretmanager/secretVersion:SecretVersion"): (
        "secretmanager.versions.enable",
        "secretmanager.versions.get",
    ),
    ("read", "secretmanager/secretVersion:SecretVersion"): ("secretmanager.versions.get",),
    ("delete", "secretmanager/secretVersion:SecretVersion"): ("secretmanager.versions.destroy",),
    ("create", "storage/bucketObject:BucketObject"): ("storage.objects.create", "storage.objects.get"),
    ("update", "storage/bucketObject:BucketObject"): ("storage.objects.create", "storage.objects.delete"),
    ("read", "storage/bucketObject:BucketObject"): ("storage.objects.get",),
    ("delete", "storage/bucketObject:BucketObject"): ("storage.objects.delete",),
    # All versions are listed before the bucket goes: resource_storage_bucket.go (Delete)
    ("delete", "storage/bucket:Bucket"): ("storage.objects.list", "storage.objects.delete", "storage.buckets.delete"),
    ("create", "compute/routerNat:RouterNat"): ("compute.routers.get", "compute.routers.update"),
    ("update", "compute/routerNat:RouterNat"): ("compute.routers.get", "compute.routers.update"),
    ("read", "compute/routerNat:RouterNat"): ("compute.routers.get",),
    ("delete", "compute/routerNat:RouterNat"): ("compute.routers.get", "compute.routers.update"),
}
# https://docs.cloud.google.com/run/docs/reference/iam/permissions
ACTS_AS = ("cloudrunv2/job:Job", "cloudrunv2/service:Service", "cloudscheduler/job:Job")
PUSH = ("artifactregistry.repositories.downloadArtifacts", "artifactregistry.repositories.uploadArtifacts")


def permissions(verb: str, type_: str, inputs: Mapping[str, Any]) -> Sequence[str]:
    """What the request needs; KeyError for a type that the table does not know."""
    if type_.startswith("docker-build:"):
        return PUSH if verb in ("create", "update") else ()
    kind = type_.removeprefix("gcp:")
    if verb == "invoke" or kind == type_:
        return ()
    if (verb, kind) in INSTEAD:
        return INSTEAD[verb, kind]
    if kind in MEMBERS:
        return [f"{MEMBERS[kind]}.getIamPolicy", *([f"{MEMBERS[kind]}.setIamPolicy"] if verb != "read" else [])]
    changing = verb in ("create", "update")
    return [
        *(f"{NOUNS[kind]}.{act}" for act in VERBS[verb]),
        *(["iam.serviceAccounts.actAs"] if changing and kind in ACTS_AS else []),
        *(["run.operations.get"] if verb != "read" and kind.startswith("cloudrunv2/") else []),
        *(["compute.globalOperations.get"] if verb != "read" and kind.startswith("compute/") else []),
    ]


def denied(permission: str) -> str:
    """The API's words: https://docs.cloud.google.com/iam/docs/permission-error-messages"""
    return f"googleapi: Error 403: Permission '{permission}' denied on resource (or it may not exist)., forbidden"
