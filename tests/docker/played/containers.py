"""Containers, as pulumi-docker makes, reads, changes and deletes them.

https://github.com/kreuzwerker/terraform-provider-docker/blob/v4.5.0/internal/provider/resource_docker_container_funcs.go
"""

from __future__ import annotations

import contextlib
import io
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridged import UNREADY, Bridged
from changes import Fields
from container_config import config
from container_seen import seen
from docker.errors import APIError, NotFound
from frame import NotReady, Values

IN_PLACE = (
    *("attach", "destroyGraceSeconds", "healthcheck", "init", "logs", "maxRetryCount", "memory", "memorySwap"),
    *("mustRun", "removeVolumes", "restart", "rm", "start", "tmpfs", "wait", "waitTimeout"),
)
READ = (
    *("capabilities", "command", "cpus", "entrypoints", "healthcheck", "image", "init", "logDriver", "logOpts"),
    *("memory", "memorySwap", "mounts", "mustRun", "name", "networkMode", "ports", "readOnly", "restart"),
    *("securityOpts", "stopTimeout", "tmpfs", "ulimits", "user"),
)
FIELDS = Fields(
    all={*IN_PLACE, *READ, "envs", "labels", "networksAdvanced", "uploads"},
    in_place=IN_PLACE,
    read=READ,
    left_to_docker={
        *("command", "entrypoints", "healthcheck", "init", "logDriver", "securityOpts", "stopTimeout", "user", "name"),
    },
    unordered={"envs", "labels", "mounts", "networksAdvanced", "securityOpts", "ulimits", "uploads"},
    defaults={
        **{"attach": False, "logs": False, "mustRun": True, "networkMode": "bridge", "readOnly": False},
        **{"removeVolumes": True, "restart": "no", "rm": False, "start": True, "wait": False, "waitTimeout": 60},
    },
)
UNHEALTHY = "container failed to be in healthy state"
CHANGED_IN_PLACE = ("restart", "maxRetryCount", "memory", "memorySwap")


@dataclass(frozen=True, slots=True)
class Containers(Bridged):
    """The type docker:index/container:Container."""

    fields = FIELDS

    def create(self, inputs: Values) -> tuple[str, Values]:
        made = self.engine.create_container_from_config(config(inputs), inputs["name"])["Id"]
        try:
            self._join(made, inputs)
            for upload in inputs.get("uploads", []):
                self.engine.put_archive(made, "/", _archive(upload))
            if inputs["start"]:
                self.engine.start(made)
                self._wait(made, inputs)
        except (APIError, OSError, TimeoutError) as error:
            raise NotReady(made, {**self.state(made, inputs), UNREADY: True}, _said(error)) from error
        return made, self.state(made, inputs)

    def update(self, id_: str, state: Values, inputs: Values) -> Values:
        """What Docker changes on a container that is there; all else is said to be changed, and is not."""
        if inputs["mustRun"] and not state.get("mustRun", True) and inputs["start"]:
            self.engine.start(id_)
        if any(state.get(key) != inputs.get(key) for key in CHANGED_IN_PLACE):
            self.engine.update_container(
                id_,
                mem_limit=inputs.get("memory", 0) * 1024 * 1024,
                memswap_limit=inputs.get("memorySwap", 0) * 1024 * 1024,
                restart_policy={"Name": inputs["restart"], "MaximumRetryCount": inputs.get("maxRetryCount", 0)},
            )
        return self.state(id_, inputs)

    def delete(self, id_: str, state: Values) -> None:
        with contextlib.suppress(NotFound):
            if not state.get("attach"):
                self.engine.stop(id_, timeout=state.get("destroyGraceSeconds", 0))
            self.engine.remove_container(id_, v=state.get("removeVolumes", True), force=True)

    def _join(self, made: str, inputs: Values) -> None:
        networks = inputs.get("networksAdvanced", [])
        if networks:
            self.engine.disconnect_container_from_network(made, "bridge")
        for network in networks:
            self.engine.connect_container_to_network(made, network["name"], aliases=network.get("aliases"))

    def _wait(self, made: str, inputs: Values) -> None:
        deadline = time.monotonic() + inputs["waitTimeout"]
        while inputs["wait"] and not self._is_healthy(made):
            if time.monotonic() > deadline:
                raise TimeoutError(UNHEALTHY)
            time.sleep(1)
        if inputs["attach"]:
            self.engine.wait(made)

    def _is_healthy(self, made: str) -> bool:
        health = self.engine.inspect_container(made)["State"].get("Health")
        if health is None:
            raise TimeoutError("you have supplied a 'wait' argument, but the container does not have a healthcheck")
        return health["Status"] == "healthy"

    def state(self, id_: str, inputs: Values) -> Values:
        found = self.engine.inspect_container(id_)
        return {**inputs, **seen(found, inputs), "exitCode": found["State"]["ExitCode"]}


def _archive(upload: dict[str, Any]) -> bytes:
    """A tar of one file, with folders as the daemon makes them."""
    content = Path(upload["source"]).read_bytes() if "source" in upload else upload["content"].encode()
    if not content:
        raise OSError("error with upload content: one of 'content', 'content_base64', or 'source' must be set")
    file = tarfile.TarInfo(upload["file"])
    file.size, file.mtime, file.mode = len(content), int(time.time()), int(upload.get("permissions", "0644"), 8)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(file, io.BytesIO(content))
    return packed.getvalue()


def _said(error: Exception) -> str:
    return str(error.explanation) if isinstance(error, APIError) else str(error)
