"""The calls of Docker's API that the launcher makes, and no others, over containers that a test ends by hand.

https://docs.docker.com/reference/api/engine/version/v1.45/
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

VERSION = "1.45"


@dataclass
class Container:
    """A container as the fake keeps it."""

    id: str
    name: str
    config: dict[str, Any]
    status: str = "created"
    code: int = 0
    error: str = ""
    out_of_memory: bool = False
    finished_at: str = "0001-01-01T00:00:00Z"
    made_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat().replace("+00:00", "123Z"))

    def shown(self) -> dict[str, Any]:
        state = {
            "Status": self.status,
            "ExitCode": self.code,
            "OOMKilled": self.out_of_memory,
            "Error": self.error,
            "FinishedAt": self.finished_at,
        }
        labels = self.config.get("Labels")
        return {
            "Id": self.id,
            "Name": f"/{self.name}",
            "Created": self.made_at,
            "State": state,
            "Config": {"Labels": labels},
        }


@dataclass
class FakeDocker:
    """An engine. `refusing` is answered to the next creation; `starts` are the containers that were ever started."""

    containers: dict[str, Container] = field(default_factory=dict)
    starts: list[Container] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    refusing: tuple[int, str] | None = None
    refusing_start: tuple[int, str] | None = None
    used: dict[str, str] = field(default_factory=dict)

    def app(self) -> web.Application:
        made = web.Application()
        at = f"/v{VERSION}/containers"
        made.add_routes(
            [
                web.get("/version", self.version),
                web.post(f"{at}/create", self.create),
                web.get(f"{at}/json", self.listed),
                web.post(f"{at}/{{id}}/start", self.start),
                web.post(f"{at}/{{id}}/stop", self.stop),
                web.get(f"{at}/{{id}}/json", self.look),
                web.delete(f"{at}/{{id}}", self.remove),
                web.post(f"{at}/{{id}}/exec", self.exec),
                web.post(f"/v{VERSION}/exec/{{id}}/start", self.exec_start),
            ]
        )
        return made

    def end(self, name: str, code: int, *, error: str = "", out_of_memory: bool = False) -> None:
        container = self._named(name)
        assert container is not None
        container.status, container.code = "exited", code
        container.error, container.out_of_memory = error, out_of_memory
        container.finished_at = datetime.now(UTC).isoformat().replace("+00:00", "123Z")

    async def version(self, request: web.Request) -> web.Response:
        return web.json_response({"ApiVersion": VERSION})

    async def create(self, request: web.Request) -> web.Response:
        if self.refusing is not None:
            return _refused(*self.refusing)
        name = request.query["name"]
        if self._named(name):
            return _refused(409, f'Conflict. The container name "/{name}" is already in use')
        made = Container(id=f"{len(self.removed) + len(self.containers):064}", name=name, config=await request.json())
        self.containers[made.id] = made
        return web.json_response({"Id": made.id, "Warnings": []}, status=201)

    async def start(self, request: web.Request) -> web.Response:
        if self.refusing_start is not None:
            return _refused(*self.refusing_start)
        container = self._named(request.match_info["id"])
        if container is None:
            return _refused(404, "No such container")
        if container.status == "running":
            return web.Response(status=304)
        container.status = "running"
        self.starts.append(container)
        return web.Response(status=204)

    async def stop(self, request: web.Request) -> web.Response:
        container = self._named(request.match_info["id"])
        if container is None:
            return _refused(404, "No such container")
        assert request.query["t"] in ("30", "20")  # as usual; when all of the agent goes
        if container.status == "running":
            self.end(container.name, 143)
        return web.Response(status=204)

    async def look(self, request: web.Request) -> web.Response:
        container = self._named(request.match_info["id"])
        return web.json_response(container.shown()) if container else _refused(404, "No such container")

    async def listed(self, request: web.Request) -> web.Response:
        assert request.query["all"] == "true"
        wanted = dict(label.split("=", 1) for label in json.loads(request.query["filters"])["label"])
        found = [c for c in self.containers.values() if wanted.items() <= (c.config.get("Labels") or {}).items()]
        return web.json_response([{"Id": c.id} for c in found])

    async def remove(self, request: web.Request) -> web.Response:
        container = self._named(request.match_info["id"])
        if container is None:
            return _refused(404, "No such container")
        if container.status == "running":
            return _refused(409, "You cannot remove a running container")
        assert request.query["v"] == "true"
        self.removed.append(container.name)
        del self.containers[container.id]
        return web.Response(status=204)

    async def exec(self, request: web.Request) -> web.Response:
        container = self._named(request.match_info["id"])
        if container is None or container.status != "running":
            return _refused(409, "Container is not running")
        assert (await request.json())["Cmd"] == ["du", "-skx", "/work"]
        return web.json_response({"Id": container.name}, status=201)

    async def exec_start(self, request: web.Request) -> web.Response:
        assert await request.json() == {"Detach": False, "Tty": True}
        text = self.used.get(request.match_info["id"], "4\t/work\r\n")
        return web.Response(text=text, content_type="application/vnd.docker.raw-stream")

    def _named(self, key: str) -> Container | None:
        return next((c for c in self.containers.values() if key in (c.id, c.name)), None)


def _refused(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)
