"""Stand-ins for Google Cloud's computed outputs: https://docs.cloud.google.com/iam/docs/full-resource-names"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from unmoor.recording.stand_ins.base import FakeResource, Outputs, canonical


def _project(asked: FakeResource) -> str:
    return str(asked.inputs.get("project") or "my-project")


def _place(asked: FakeResource) -> str:
    return str(asked.inputs.get("location") or asked.inputs.get("region") or "europe-west1")


def _account(asked: FakeResource) -> Outputs:
    email = f"{asked.input('accountId')}@{_project(asked)}.iam.gserviceaccount.com"
    name = f"projects/{_project(asked)}/serviceAccounts/{email}"
    return {"id": name, "name": name, "email": email, "member": f"serviceAccount:{email}", "uniqueId": asked.number(21)}


def _secret(asked: FakeResource) -> Outputs:
    name = f"projects/{_project(asked)}/secrets/{asked.input('secretId')}"
    return {"id": name, "name": name}


def _secret_version(asked: FakeResource) -> Outputs:
    # Another value is another version: the cloud counts up, the stand-in follows the write-only value's number.
    follows = FakeResource(type=asked.type, name=canonical(asked.inputs.get("secretDataWoVersion")), inputs={})
    number = str(1 + int(follows.hex(4), 16) % 97)
    name = f"{asked.inputs.get('secret')}/versions/{number}"
    return {"id": name, "name": name, "version": number}


def _bucket(asked: FakeResource) -> Outputs:
    name = asked.input("name")
    return {
        "id": name,
        "name": name,
        "url": f"gs://{name}",
        "selfLink": f"https://www.googleapis.com/storage/v1/b/{name}",
    }


def _repository(asked: FakeResource) -> Outputs:
    name = asked.input("repositoryId")
    uri = f"{_place(asked)}-docker.pkg.dev/{_project(asked)}/{name}"
    return {
        "id": f"projects/{_project(asked)}/locations/{_place(asked)}/repositories/{name}",
        "name": name,
        "registryUri": uri,
    }


def _run(kind: str) -> Callable[[FakeResource], Outputs]:
    def outputs(asked: FakeResource) -> Outputs:
        name = asked.input("name")
        identity = f"projects/{_project(asked)}/locations/{_place(asked)}/{kind}/{name}"
        uri = f"https://{name}-123456789012.{_place(asked)}.run.app"
        return {"id": identity, "name": name, "uri": uri, "urls": [uri], "uid": asked.uuid()}

    return outputs


def _compute(kind: str, *, everywhere: bool) -> Callable[[FakeResource], Outputs]:
    def outputs(asked: FakeResource) -> Outputs:
        place = "global" if everywhere else f"regions/{_place(asked)}"
        identity = f"projects/{_project(asked)}/{place}/{kind}/{asked.input('name')}"
        link = f"https://www.googleapis.com/compute/v1/{identity}"
        return {"id": identity, "name": asked.input("name"), "selfLink": link, "address": "203.0.113.30"}

    return outputs


def _role(asked: FakeResource) -> Outputs:
    name = f"projects/{_project(asked)}/roles/{asked.input('roleId')}"
    return {"id": name, "name": name}


def _sink(asked: FakeResource) -> Outputs:
    writer = f"serviceAccount:service-{asked.number(12)}@gcp-sa-logging.iam.gserviceaccount.com"
    return {"id": f"projects/{_project(asked)}/sinks/{asked.input('name')}", "writerIdentity": writer}


def _object(asked: FakeResource) -> Outputs:
    bucket, name = asked.inputs.get("bucket"), asked.input("name")
    link = f"https://www.googleapis.com/storage/v1/b/{bucket}/o/{name}"
    return {"id": f"{bucket}-{name}", "name": name, "outputName": name, "selfLink": link}


def _log_bucket(asked: FakeResource) -> Outputs:
    name = f"projects/{_project(asked)}/locations/{_place(asked)}/buckets/{asked.input('bucketId')}"
    return {"id": name, "name": name}


def _scheduler(asked: FakeResource) -> Outputs:
    return {
        "id": f"projects/{_project(asked)}/locations/{_place(asked)}/jobs/{asked.input('name')}",
        "name": asked.input("name"),
    }


GCP: Mapping[str, Callable[[FakeResource], Outputs]] = {
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
