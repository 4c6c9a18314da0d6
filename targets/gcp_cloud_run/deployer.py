"""What who deploys must be allowed to do: a custom role made of the graph's types.

The permissions of each service: https://docs.cloud.google.com/iam/docs/permissions-reference
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from unmoor.graph import Resource
from unmoor.plan import Plan

from .settings import CloudRunSettings


def _each(resource: str, *verbs: str) -> list[str]:
    return [f"{resource}.{verb}" for verb in verbs]


CRUD = ("create", "delete", "get", "update")
GRANTS = ("getIamPolicy", "setIamPolicy")
# What is made of Compute Engine is followed by its operation; one thing that refers to another must be let use it.
OPERATIONS = ["compute.globalOperations.get", "compute.regionOperations.get"]
# By type without its package: the permissions.
PERMISSIONS: Mapping[str, Sequence[str]] = {
    "artifactregistry/repository:Repository": [
        *_each("artifactregistry.repositories", *CRUD, "downloadArtifacts", "uploadArtifacts"),
        *_each("artifactregistry.tags", "create", "get", "list", "update"),
    ],
    "cloudrunv2/job:Job": [*_each("run.jobs", *CRUD), "run.operations.get", "iam.serviceAccounts.actAs"],
    "cloudrunv2/jobIamMember:JobIamMember": _each("run.jobs", *GRANTS),
    "cloudrunv2/service:Service": [
        *_each("run.services", *CRUD),
        "run.operations.get",
        "iam.serviceAccounts.actAs",
        "logging.logEntries.list",  # by which verify says why one failed
    ],
    "cloudrunv2/serviceIamMember:ServiceIamMember": _each("run.services", *GRANTS),
    "cloudscheduler/job:Job": [*_each("cloudscheduler.jobs", *CRUD), "iam.serviceAccounts.actAs"],
    "compute/address:Address": [*_each("compute.addresses", "create", "delete", "get", "use"), *OPERATIONS],
    "compute/backendService:BackendService": [
        *_each("compute.backendServices", *CRUD, "use"),
        "compute.regionNetworkEndpointGroups.use",
        *OPERATIONS,
    ],
    "compute/globalAddress:GlobalAddress": [
        *_each("compute.globalAddresses", "create", "delete", "get", "use"),
        *OPERATIONS,
    ],
    "compute/globalForwardingRule:GlobalForwardingRule": [
        *_each("compute.globalForwardingRules", *CRUD, "setLabels"),
        "compute.globalAddresses.use",
        "compute.targetHttpProxies.use",
        "compute.targetHttpsProxies.use",
        *OPERATIONS,
    ],
    "compute/managedSslCertificate:ManagedSslCertificate": [
        *_each("compute.sslCertificates", "create", "delete", "get"),
        *OPERATIONS,
    ],
    "compute/network:Network": [*_each("compute.networks", *CRUD, "updatePolicy"), *OPERATIONS],
    "compute/regionNetworkEndpointGroup:RegionNetworkEndpointGroup": [
        *_each("compute.regionNetworkEndpointGroups", "create", "delete", "get", "use"),
        "run.services.get",
        *OPERATIONS,
    ],
    "compute/router:Router": [*_each("compute.routers", *CRUD), "compute.networks.updatePolicy", *OPERATIONS],
    "compute/routerNat:RouterNat": [*_each("compute.routers", "get", "update"), "compute.addresses.use", *OPERATIONS],
    "compute/sSLPolicy:SSLPolicy": [*_each("compute.sslPolicies", *CRUD, "use"), *OPERATIONS],
    "compute/subnetwork:Subnetwork": [*_each("compute.subnetworks", *CRUD, "use"), "compute.networks.updatePolicy"],
    "compute/targetHttpProxy:TargetHttpProxy": [
        *_each("compute.targetHttpProxies", *CRUD, "use"),
        "compute.urlMaps.use",
        *OPERATIONS,
    ],
    "compute/targetHttpsProxy:TargetHttpsProxy": [
        *_each("compute.targetHttpsProxies", *CRUD, "setSslCertificates", "setSslPolicy", "setUrlMap", "use"),
        "compute.sslCertificates.get",
        "compute.sslPolicies.use",
        "compute.urlMaps.use",
        *OPERATIONS,
    ],
    "compute/uRLMap:URLMap": [*_each("compute.urlMaps", *CRUD, "use"), "compute.backendServices.use", *OPERATIONS],
    "dns/recordSet:RecordSet": [
        *_each("dns.resourceRecordSets", *CRUD, "list"),
        *_each("dns.changes", "create", "get"),
        "dns.managedZones.get",
    ],
    "logging/projectBucketConfig:ProjectBucketConfig": _each("logging.buckets", *CRUD, "undelete"),
    "logging/projectSink:ProjectSink": _each("logging.sinks", *CRUD),
    # An API that is on already is only looked at.
    "projects/service:Service": _each("serviceusage.services", "enable", "get", "list"),
    "secretmanager/secret:Secret": _each("secretmanager.secrets", *CRUD),
    "secretmanager/secretIamMember:SecretIamMember": _each("secretmanager.secrets", *GRANTS),
    "secretmanager/secretVersion:SecretVersion": [
        *_each("secretmanager.versions", "access", "destroy", "disable", "enable", "get"),
        "secretmanager.versions.add",
    ],
    "serviceaccount/account:Account": _each("iam.serviceAccounts", *CRUD),
    "storage/bucket:Bucket": _each("storage.buckets", *CRUD),
    "storage/bucketIAMMember:BucketIAMMember": _each("storage.buckets", *GRANTS),
    "storage/bucketObject:BucketObject": _each("storage.objects", "create", "delete", "get"),
}
ALWAYS = ("resourcemanager.projects.get",)


def deployer_policy(plan: Plan, settings: CloudRunSettings, resources: Iterable[Resource]) -> Mapping[str, Any]:
    """The custom role of who deploys this graph, as `gcloud iam roles create --file` takes it; given on the project."""
    types = {r.type.removeprefix("gcp:") for r in resources if r.type.startswith("gcp:")}
    found = {permission for type_ in types for permission in PERMISSIONS[type_]}
    return {
        "title": f"Deployer of {plan.agent}",
        "description": f"Deploys the agent {plan.agent} in {plan.environment}",
        "stage": "GA",
        "includedPermissions": sorted({*found, *ALWAYS}),
    }
