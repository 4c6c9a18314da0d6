"""Networks, volumes and images, as pulumi-docker makes, reads, changes and deletes them."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridged import Bridged
from changes import Fields
from docker.errors import NotFound
from frame import Values

NETWORK = Fields(
    all=("name", "driver", "internal", "labels", "options", "attachable", "ipv6"),
    read=("name", "driver", "internal", "labels", "options", "attachable", "ipv6"),
    left_to_docker=("driver", "internal", "options"),
    unordered=("labels",),
    defaults={},
)
VOLUME = Fields(
    all=("name", "driver", "driverOpts", "labels"),
    read=("name", "driver", "driverOpts", "labels"),
    left_to_docker=("driver",),
    unordered=("labels",),
    defaults={},
)
REMOTE = Fields(all=("name", "keepLocally", "platform"), in_place=("keepLocally",), defaults={"keepLocally": False})
IMAGE = Fields(all=("imageName", "build", "buildOnPreview", "skipPush"), in_place=("imageName", "build"), defaults={})


@dataclass(frozen=True, slots=True)
class Networks(Bridged):
    """The type docker:index/network:Network."""

    fields = NETWORK

    def create(self, inputs: Values) -> tuple[str, Values]:
        made = self.engine.create_network(
            inputs["name"],
            driver=inputs.get("driver"),
            internal=inputs.get("internal", False),
            options=inputs.get("options"),
            labels=_map(inputs.get("labels")),
        )["Id"]
        return made, self.state(made, inputs)

    def delete(self, id_: str, state: Values) -> None:
        with contextlib.suppress(NotFound):
            self.engine.remove_network(id_)

    def state(self, id_: str, inputs: Values) -> Values:
        found = self.engine.inspect_network(id_)
        values = {key: found[key.capitalize()] for key in ("name", "driver", "internal", "options", "attachable")}
        return {**inputs, **values, "labels": _list(found["Labels"]), "ipv6": found["EnableIPv6"]}


@dataclass(frozen=True, slots=True)
class Volumes(Bridged):
    """The type docker:index/volume:Volume."""

    fields = VOLUME

    def create(self, inputs: Values) -> tuple[str, Values]:
        """One of that name that is there already is taken over as it is; that it has other labels is seen by a read."""
        self.engine.create_volume(inputs["name"], driver=inputs.get("driver"), labels=_map(inputs.get("labels")))
        return inputs["name"], {**self.state(inputs["name"], inputs), "labels": inputs.get("labels")}

    def delete(self, id_: str, state: Values) -> None:
        with contextlib.suppress(NotFound):
            self.engine.remove_volume(id_, force=True)

    def state(self, id_: str, inputs: Values) -> Values:
        found = self.engine.inspect_volume(id_)
        values = {"driver": found["Driver"], "mountpoint": found["Mountpoint"], "labels": _list(found["Labels"])}
        return {**inputs, **values}


@dataclass(frozen=True, slots=True)
class RemoteImages(Bridged):
    """The type docker:index/remoteImage:RemoteImage: one that is there, or is pulled."""

    fields = REMOTE
    delete_first = False

    def create(self, inputs: Values) -> tuple[str, Values]:
        name = inputs["name"]
        try:
            found = self.engine.inspect_image(name)
        except NotFound:
            self.engine.pull(name, platform=inputs.get("platform"))
            found = self.engine.inspect_image(name)
        return found["Id"] + name, {**inputs, "imageId": found["Id"], "repoDigest": _digest(found)}

    def state(self, id_: str, inputs: Values) -> Values:
        found = self.engine.inspect_image(inputs["name"])
        return {**inputs, "imageId": found["Id"], "repoDigest": _digest(found)}

    def update(self, id_: str, state: Values, inputs: Values) -> Values:
        return {**state, **inputs}

    def delete(self, id_: str, state: Values) -> None:
        if not state.get("keepLocally"):
            with contextlib.suppress(NotFound):
                self.engine.remove_image(state["name"])


@dataclass(frozen=True, slots=True)
class Images(Bridged):
    """The type docker:index/image:Image: built on the engine from a folder here; it survives its deletion."""

    fields = IMAGE
    delete_first = False

    def check(self, inputs: Values) -> Values:
        checked = IMAGE.checked(inputs, "Images")
        build = inputs["build"]
        if not Path(build["dockerfile"]).is_file():
            raise ValueError(f"could not open dockerfile at relative path {build['dockerfile']!r}")
        return {**checked, "build": {**build, "contextDigest": _content(Path(build["context"]))}}

    def create(self, inputs: Values) -> tuple[str, Values]:
        return inputs["imageName"], self.update("", {}, inputs)

    def read(self, id_: str, state: Values) -> Values | None:
        return state

    def update(self, id_: str, state: Values, inputs: Values) -> Values:
        build = inputs["build"]
        for said in self.engine.build(
            path=build["context"],
            dockerfile=build["dockerfile"],
            tag=inputs["imageName"],
            buildargs=build.get("args"),
            platform=build.get("platform"),
            rm=True,
            decode=True,
        ):
            if "error" in said:
                raise RuntimeError(f"failed to build {inputs['imageName']}: {said['error']}")
        digest = self.engine.inspect_image(inputs["imageName"])["Id"]
        outputs = {"context": build["context"], "dockerfile": build["dockerfile"], "repoDigest": digest}
        return {**inputs, **outputs, "baseImageName": inputs["imageName"], "registryServer": ""}

    def delete(self, id_: str, state: Values) -> None:
        pass


def _content(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _digest(found: dict[str, Any]) -> str:
    return (found.get("RepoDigests") or [""])[0]


def _map(labels: Any) -> dict[str, str]:
    return {label["label"]: label["value"] for label in labels or []}


def _list(labels: dict[str, str] | None) -> list[dict[str, str]]:
    return [{"label": k, "value": v} for k, v in sorted((labels or {}).items())]
