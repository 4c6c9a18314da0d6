"""The calls of Docker's API that the launcher needs.

https://docs.docker.com/reference/api/engine/version/v1.45/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from unmoor.runtime.http.client import JsonHttpClient, RequestRejected

SOCKET = "unix:///var/run/docker.sock"
# The daemon answers a stop request within the grace period and this margin.
STOP_MARGIN_S = 15
NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A container's state in Docker."""

    id: str
    labels: Mapping[str, str]
    status: str
    code: int
    out_of_memory: bool
    error: str
    created_at: datetime
    finished_at: datetime

    @property
    def has_ended(self) -> bool:
        """Whether it has run and ended."""
        return self.status in ("exited", "dead", "removing")

    @property
    def is_up(self) -> bool:
        """Whether it is running."""
        return self.status in ("running", "restarting", "paused")


@dataclass(slots=True, kw_only=True)
class Engine:
    """A Docker engine."""

    url: str = SOCKET
    grace_s: int = 30
    _http: JsonHttpClient = field(init=False, repr=False)
    _version: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self._http = JsonHttpClient(name="Docker", url=self.url, timeout_s=self.grace_s + STOP_MARGIN_S)

    async def create(self, name: str, container: Mapping[str, Any]) -> str | None:
        """Creates a container and returns its id; None where the name exists."""
        try:
            created = await self._request("POST", f"/containers/create?name={quote(name)}", body=container)
        except RequestRejected as error:
            if error.status == 409:
                return None
            raise
        return str(created["Id"])

    async def start(self, container: str) -> None:
        """Starts a container, unless it is running."""
        await self._request("POST", f"/containers/{quote(container)}/start")

    async def stop(self, container: str, *, within_s: int | None = None) -> None:
        """Stops a container, if it exists, and waits for its end."""
        grace_s = self.grace_s if within_s is None else within_s
        await self._try_request("POST", f"/containers/{quote(container)}/stop?t={grace_s}")

    async def remove(self, container: str) -> None:
        """Removes an ended container, if it exists, with its anonymous volumes."""
        await self._try_request("DELETE", f"/containers/{quote(container)}?v=true")

    async def inspect(self, container: str) -> State | None:
        """A container's state; None where it does not exist."""
        values = await self._try_request("GET", f"/containers/{quote(container)}/json")
        return _state(values) if values else None

    async def list_containers(self, *labels: str) -> list[str]:
        """The ids of all containers with these labels, also ended ones."""
        filters = quote(json.dumps({"label": list(labels)}))
        return [str(c["Id"]) for c in await self._request("GET", f"/containers/json?all=true&filters={filters}")]

    async def exec_output(self, container: str, *command: str) -> str:
        """The output of a command in the container, empty where the container is not running."""
        command_body = {"AttachStdout": True, "Tty": True, "Cmd": list(command)}
        created = await self._try_request("POST", f"/containers/{quote(container)}/exec", body=command_body)
        if not created:
            return ""
        return str(
            await self._try_request("POST", f"/exec/{created['Id']}/start", body={"Detach": False, "Tty": True}) or ""
        )

    async def close(self) -> None:
        """Closes the connection."""
        await self._http.close()

    async def _try_request(self, method: str, path: str, *, body: Any = None) -> Any:
        try:
            return await self._request(method, path, body=body)
        except RequestRejected as error:
            if error.status in (404, 409):  # it does not exist, is not running, or is being removed
                return None
            raise

    async def _request(self, method: str, path: str, *, body: Any = None) -> Any:
        if not self._version:
            self._version = str((await self._http.request("GET", "/version"))["ApiVersion"])
        return await self._http.request(method, f"/v{self._version}{path}", body=body)


def _state(values: Mapping[str, Any]) -> State:
    state = values["State"]
    return State(
        id=str(values["Id"]),
        labels=values["Config"].get("Labels") or {},
        status=str(state["Status"]),
        code=int(state.get("ExitCode") or 0),
        out_of_memory=bool(state.get("OOMKilled")),
        error=str(state.get("Error") or ""),
        created_at=_time(str(values.get("Created") or "")),
        finished_at=_time(str(state.get("FinishedAt") or "")),
    )


def _time(text: str) -> datetime:
    """Docker's times have nine decimals, which Python does not parse."""
    try:
        return datetime.fromisoformat(text.split(".")[0].removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        return NEVER
