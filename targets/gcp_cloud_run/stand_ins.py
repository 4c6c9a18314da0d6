"""Made-up outputs of Google Cloud's resources and data sources: https://docs.cloud.google.com/iam/docs/full-resource-names"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from unmoor.target.stand_ins import FakeOutputs, FakeResource, Outputs, StandIns, canonical, template

LOCATED = "projects/{project}/locations/{location}"
EMAIL = "{accountId}@{project}.iam.gserviceaccount.com"
ACCOUNT = f"projects/{{project}}/serviceAccounts/{EMAIL}"
STORAGE = "https://www.googleapis.com/storage/v1/b"


def _fake(**outputs: Any) -> FakeOutputs:
    """A template; project and location default to the provider's."""
    fill = template(**outputs)

    def outputs_of(resource: FakeResource) -> Outputs:
        known = resource.inputs
        location = known.get("location") or known.get("region") or "europe-west1"
        inputs = {**known, "project": known.get("project") or "my-project", "location": location}
        return fill(replace(resource, inputs=inputs))

    return outputs_of


def _run(kind: str, **more: str) -> FakeOutputs:
    uri = "https://{name}-123456789012.{location}.run.app"
    return _fake(id=f"{LOCATED}/{kind}/{{name}}", name="{name}", uri=uri, urls=[uri], uid="{uuid}", **more)


def _compute(kind: str, place: str = "global") -> FakeOutputs:
    id_ = f"projects/{{project}}/{place}/{kind}/{{name}}"
    link = f"https://www.googleapis.com/compute/v1/{id_}"
    return _fake(id=id_, name="{name}", selfLink=link, address="203.0.113.30")


def _regional(kind: str) -> FakeOutputs:
    return _compute(kind, "regions/{location}")


def _named(name: str) -> FakeOutputs:
    """A resource whose id and name are the same."""
    return _fake(id=name, name=name)


def _secret_version(resource: FakeResource) -> Outputs:
    # The cloud counts up with each value; the stand-in follows the number of the write-only value.
    follows = FakeResource(type=resource.type, name=canonical(resource.inputs.get("secretDataWoVersion")), inputs={})
    number = str(1 + int(follows.hex(4), 16) % 97)
    name = f"{resource.inputs.get('secret')}/versions/{number}"
    return {"id": name, "name": name, "version": number}


RESOURCES: Mapping[str, FakeOutputs] = {
    "gcp:artifactregistry/repository:Repository": _fake(
        id=f"{LOCATED}/repositories/{{repositoryId}}",
        name="{repositoryId}",
        registryUri="{location}-docker.pkg.dev/{project}/{repositoryId}",
    ),
    "gcp:cloudrunv2/job:Job": _run("jobs"),
    "gcp:cloudrunv2/service:Service": _run("services", latestReadyRevision="{name}-00001-abc"),
    "gcp:cloudscheduler/job:Job": _fake(id=f"{LOCATED}/jobs/{{name}}", name="{name}"),
    "gcp:compute/address:Address": _regional("addresses"),
    "gcp:compute/backendService:BackendService": _compute("backendServices"),
    "gcp:compute/firewall:Firewall": _compute("firewalls"),
    "gcp:compute/globalAddress:GlobalAddress": _compute("addresses"),
    "gcp:compute/globalForwardingRule:GlobalForwardingRule": _compute("forwardingRules"),
    "gcp:compute/managedSslCertificate:ManagedSslCertificate": _compute("sslCertificates"),
    "gcp:compute/network:Network": _compute("networks"),
    "gcp:compute/regionNetworkEndpointGroup:RegionNetworkEndpointGroup": _regional("networkEndpointGroups"),
    "gcp:compute/router:Router": _regional("routers"),
    "gcp:compute/routerNat:RouterNat": _regional("nats"),
    "gcp:compute/subnetwork:Subnetwork": _regional("subnetworks"),
    "gcp:compute/targetHttpProxy:TargetHttpProxy": _compute("targetHttpProxies"),
    "gcp:compute/targetHttpsProxy:TargetHttpsProxy": _compute("targetHttpsProxies"),
    "gcp:compute/uRLMap:URLMap": _compute("urlMaps"),
    "gcp:logging/projectBucketConfig:ProjectBucketConfig": _named(f"{LOCATED}/buckets/{{bucketId}}"),
    "gcp:logging/projectSink:ProjectSink": _fake(
        id="projects/{project}/sinks/{name}",
        writerIdentity="serviceAccount:service-{number:12}@gcp-sa-logging.iam.gserviceaccount.com",
    ),
    "gcp:projects/iAMCustomRole:IAMCustomRole": _named("projects/{project}/roles/{roleId}"),
    "gcp:secretmanager/secret:Secret": _named("projects/{project}/secrets/{secretId}"),
    "gcp:secretmanager/secretVersion:SecretVersion": _secret_version,
    "gcp:serviceaccount/account:Account": _fake(
        id=ACCOUNT, name=ACCOUNT, email=EMAIL, member=f"serviceAccount:{EMAIL}", uniqueId="{number:21}"
    ),
    "gcp:storage/bucket:Bucket": _fake(id="{name}", name="{name}", url="gs://{name}", selfLink=f"{STORAGE}/{{name}}"),
    "gcp:storage/bucketObject:BucketObject": _fake(
        id="{bucket}-{name}", name="{name}", outputName="{name}", selfLink=f"{STORAGE}/{{bucket}}/o/{{name}}"
    ),
}
DATA_SOURCES: Mapping[str, Callable[[Mapping[str, Any]], Outputs]] = {
    "gcp:organizations/getProject:getProject": lambda args: {
        "id": f"projects/{args.get('projectId', 'my-project')}",
        "number": "123456789012",
        "projectId": args.get("projectId", "my-project"),
        "name": args.get("projectId", "my-project"),
    },
    "gcp:organizations/getClientConfig:getClientConfig": lambda args: {
        "id": "projects/my-project",
        "project": "my-project",
        "region": "europe-west1",
        "zone": "europe-west1-b",
        "accessToken": "stand-in-for-an-access-token",
    },
}
STAND_INS = StandIns(resources=RESOURCES, data_sources=DATA_SOURCES)
