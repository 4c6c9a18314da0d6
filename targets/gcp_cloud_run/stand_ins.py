"""Made-up outputs of Google Cloud's resources and data sources: https://docs.cloud.google.com/iam/docs/full-resource-names"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from unmoor.target.stand_ins import FakeResource, Outputs, StandIns, canonical


def _project(resource: FakeResource) -> str:
    return str(resource.inputs.get("project") or "my-project")


def _place(resource: FakeResource) -> str:
    return str(resource.inputs.get("location") or resource.inputs.get("region") or "europe-west1")


def _account(resource: FakeResource) -> Outputs:
    email = f"{resource.input('accountId')}@{_project(resource)}.iam.gserviceaccount.com"
    name = f"projects/{_project(resource)}/serviceAccounts/{email}"
    return {
        "id": name,
        "name": name,
        "email": email,
        "member": f"serviceAccount:{email}",
        "uniqueId": resource.number(21),
    }


def _secret(resource: FakeResource) -> Outputs:
    name = f"projects/{_project(resource)}/secrets/{resource.input('secretId')}"
    return {"id": name, "name": name}


def _secret_version(resource: FakeResource) -> Outputs:
    # Another value is another version: the cloud counts up, the stand-in follows the write-only value's number.
    follows = FakeResource(type=resource.type, name=canonical(resource.inputs.get("secretDataWoVersion")), inputs={})
    number = str(1 + int(follows.hex(4), 16) % 97)
    name = f"{resource.inputs.get('secret')}/versions/{number}"
    return {"id": name, "name": name, "version": number}


def _bucket(resource: FakeResource) -> Outputs:
    name = resource.input("name")
    return {
        "id": name,
        "name": name,
        "url": f"gs://{name}",
        "selfLink": f"https://www.googleapis.com/storage/v1/b/{name}",
    }


def _repository(resource: FakeResource) -> Outputs:
    name = resource.input("repositoryId")
    uri = f"{_place(resource)}-docker.pkg.dev/{_project(resource)}/{name}"
    return {
        "id": f"projects/{_project(resource)}/locations/{_place(resource)}/repositories/{name}",
        "name": name,
        "registryUri": uri,
    }


def _run(kind: str) -> Callable[[FakeResource], Outputs]:
    def outputs(resource: FakeResource) -> Outputs:
        name = resource.input("name")
        identity = f"projects/{_project(resource)}/locations/{_place(resource)}/{kind}/{name}"
        uri = f"https://{name}-123456789012.{_place(resource)}.run.app"
        return {"id": identity, "name": name, "uri": uri, "urls": [uri], "uid": resource.uuid()}

    return outputs


def _compute(kind: str, *, everywhere: bool) -> Callable[[FakeResource], Outputs]:
    def outputs(resource: FakeResource) -> Outputs:
        place = "global" if everywhere else f"regions/{_place(resource)}"
        identity = f"projects/{_project(resource)}/{place}/{kind}/{resource.input('name')}"
        link = f"https://www.googleapis.com/compute/v1/{identity}"
        return {"id": identity, "name": resource.input("name"), "selfLink": link, "address": "203.0.113.30"}

    return outputs


def _role(resource: FakeResource) -> Outputs:
    name = f"projects/{_project(resource)}/roles/{resource.input('roleId')}"
    return {"id": name, "name": name}


def _sink(resource: FakeResource) -> Outputs:
    writer = f"serviceAccount:service-{resource.number(12)}@gcp-sa-logging.iam.gserviceaccount.com"
    return {"id": f"projects/{_project(resource)}/sinks/{resource.input('name')}", "writerIdentity": writer}


def _object(resource: FakeResource) -> Outputs:
    bucket, name = resource.inputs.get("bucket"), resource.input("name")
    link = f"https://www.googleapis.com/storage/v1/b/{bucket}/o/{name}"
    return {"id": f"{bucket}-{name}", "name": name, "outputName": name, "selfLink": link}


def _log_bucket(resource: FakeResource) -> Outputs:
    name = f"projects/{_project(resource)}/locations/{_place(resource)}/buckets/{resource.input('bucketId')}"
    return {"id": name, "name": name}


def _scheduler(resource: FakeResource) -> Outputs:
    return {
        "id": f"projects/{_project(resource)}/locations/{_place(resource)}/jobs/{resource.input('name')}",
        "name": resource.input("name"),
    }


RESOURCES: Mapping[str, Callable[[FakeResource], Outputs]] = {
    "gcp:artifactregistry/repository:Repository": _repository,
    "gcp:cloudrunv2/job:Job": _run("jobs"),
    "gcp:cloudrunv2/service:Service": _run("services"),
    "gcp:cloudscheduler/job:Job": _scheduler,
    "gcp:compute/address:Address": _compute("addresses", everywhere=False),
    "gcp:compute/backendService:BackendService": _compute("backendServices", everywhere=True),
    "gcp:compute/firewall:Firewall": _compute("firewalls", everywhere=True),
    "gcp:compute/globalAddress:GlobalAddress": _compute("addresses", everywhere=True),
    "gcp:compute/globalForwardingRule:GlobalForwardingRule": _compute("forwardingRules", everywhere=True),
    "gcp:compute/managedSslCertificate:ManagedSslCertificate": _compute("sslCertificates", everywhere=True),
    "gcp:compute/network:Network": _compute("networks", everywhere=True),
    "gcp:compute/regionNetworkEndpointGroup:RegionNetworkEndpointGroup": _compute(
        "networkEndpointGroups", everywhere=False
    ),
    "gcp:compute/router:Router": _compute("routers", everywhere=False),
    "gcp:compute/routerNat:RouterNat": _compute("nats", everywhere=False),
    "gcp:compute/subnetwork:Subnetwork": _compute("subnetworks", everywhere=False),
    "gcp:compute/targetHttpProxy:TargetHttpProxy": _compute("targetHttpProxies", everywhere=True),
    "gcp:compute/targetHttpsProxy:TargetHttpsProxy": _compute("targetHttpsProxies", everywhere=True),
    "gcp:compute/uRLMap:URLMap": _compute("urlMaps", everywhere=True),
    "gcp:logging/projectBucketConfig:ProjectBucketConfig": _log_bucket,
    "gcp:logging/projectSink:ProjectSink": _sink,
    "gcp:projects/iAMCustomRole:IAMCustomRole": _role,
    "gcp:secretmanager/secret:Secret": _secret,
    "gcp:secretmanager/secretVersion:SecretVersion": _secret_version,
    "gcp:serviceaccount/account:Account": _account,
    "gcp:storage/bucket:Bucket": _bucket,
    "gcp:storage/bucketObject:BucketObject": _object,
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
