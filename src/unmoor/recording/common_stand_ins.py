"""Made-up outputs of the SDKs that any target may use: Docker, image builds, random values."""

from __future__ import annotations

from collections.abc import Mapping

from unmoor.target.stand_ins import FakeOutputs, FakeResource, Outputs, StandIns, template


def _remote_image(resource: FakeResource) -> Outputs:
    name = resource.input("name")
    identity = f"sha256:{resource.hex(64)}"
    repository = name.split("@")[0].rsplit(":", 1)[0]
    return {"id": identity, "imageId": identity, "repoDigest": f"{repository}@sha256:{resource.hex(64, 'digest')}"}


def _built(resource: FakeResource) -> Outputs:
    digest = f"sha256:{resource.hex(64)}"
    tag = str((resource.inputs.get("tags") or [resource.name])[0])
    return {"id": digest, "digest": digest, "ref": f"{tag}@{digest}"}


def _random(resource: FakeResource) -> Outputs:
    # Random texts are made of the name, so that two resources never share one.
    length = int(resource.inputs.get("length") or resource.inputs.get("byteLength") or 8)
    text = (resource.hex(64) * (length // 64 + 1))[:length]
    return {"id": text, "result": text, "hex": resource.hex(length * 2), "b64Url": text, "bcryptHash": f"$2a$10${text}"}


def _password(resource: FakeResource) -> Outputs:
    """A password stands in its result, and never in its id."""
    length = int(resource.inputs.get("length", 16))
    return {"id": resource.hex(16, "id"), "result": resource.hex(64)[:length], "bcryptHash": resource.hex(60, "bcrypt")}


RESOURCES: Mapping[str, FakeOutputs] = {
    "docker-build:index:Image": _built,
    "docker:index/container:Container": template(id="{hex:64}", name="{name}"),
    "docker:index/image:Image": template(
        id="{imageName}", imageName="{imageName}", baseImageName="{imageName}", repoDigest="{imageName}@sha256:{hex:64}"
    ),
    "docker:index/network:Network": template(id="{hex:64}", name="{name}"),
    "docker:index/remoteImage:RemoteImage": _remote_image,
    "docker:index/volume:Volume": template(id="{hex:64}", name="{name}"),
    "random:index/randomId:RandomId": _random,
    "random:index/randomPassword:RandomPassword": _password,
    "random:index/randomString:RandomString": _random,
    "random:index/randomUuid:RandomUuid": template(id="{uuid}", result="{uuid}"),
}
COMMON = StandIns(resources=RESOURCES)
