"""Stand-ins for the computed outputs of Docker, of image builds, and of random values."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from unmoor.recording.stand_ins.base import FakeResource, Outputs


def _remote_image(asked: FakeResource) -> Outputs:
    name = asked.input("name")
    identity = f"sha256:{asked.hex(64)}"
    repository = name.split("@")[0].rsplit(":", 1)[0]
    return {"id": identity, "imageId": identity, "repoDigest": f"{repository}@sha256:{asked.hex(64, 'digest')}"}


def _built(asked: FakeResource) -> Outputs:
    digest = f"sha256:{asked.hex(64)}"
    tag = str((asked.inputs.get("tags") or [asked.name])[0])
    return {"id": digest, "digest": digest, "ref": f"{tag}@{digest}"}


def _image(asked: FakeResource) -> Outputs:
    name = asked.input("imageName")
    return {"id": name, "imageName": name, "baseImageName": name, "repoDigest": f"{name}@sha256:{asked.hex(64)}"}


def _named(asked: FakeResource) -> Outputs:
    return {"id": asked.hex(64), "name": asked.input("name")}


def _random(asked: FakeResource) -> Outputs:
    # Random texts are made of the name, so that two resources never share one.
    length = int(asked.inputs.get("length") or asked.inputs.get("byteLength") or 8)
    text = (asked.hex(64) * (length // 64 + 1))[:length]
    return {"id": text, "result": text, "hex": asked.hex(length * 2), "b64Url": text, "bcryptHash": f"$2a$10${text}"}


def _password(asked: FakeResource) -> Outputs:
    """A password stands in its result, and never in its id."""
    length = int(asked.inputs.get("length", 16))
    return {"id": asked.hex(16, "id"), "result": asked.hex(64)[:length], "bcryptHash": asked.hex(60, "bcrypt")}


DOCKER: Mapping[str, Callable[[FakeResource], Outputs]] = {
    "docker-build:index:Image": _built,
    "docker:index/container:Container": _named,
    "docker:index/image:Image": _image,
    "docker:index/network:Network": _named,
    "docker:index/remoteImage:RemoteImage": _remote_image,
    "docker:index/volume:Volume": _named,
    "random:index/randomId:RandomId": _random,
    "random:index/randomPassword:RandomPassword": _password,
    "random:index/randomString:RandomString": _random,
    "random:index/randomUuid:RandomUuid": lambda a: {"id": a.uuid(), "result": a.uuid()},
}
