"""Runs as executions of a manual job of Azure Container Apps.

Azure has no idempotency token for starts. A gateway therefore lists the job's executions before it starts a run, and
finds one that is active by the run in its arguments. If two gateways start the same run at the same moment, one
execution takes the lease and the other ends at once.
https://learn.microsoft.com/rest/api/resource-manager/containerapps/jobs/start
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from unmoor.runtime.errors import TransientError
from unmoor.runtime.http.client import JsonHttpClient, RequestRejected

from .platform import Execution, access_token, find_active, run_id_of_container

VERSION = "api-version=2024-03-01"
ARM = "https://management.azure.com"
NEEDED = ("container", "job")
# The fields that an execution may set for a container; others, such as volumes, come from the job.
# https://learn.microsoft.com/rest/api/resource-manager/containerapps/jobs/start#jobexecutioncontainer
OVERRIDABLE = ("name", "image", "command", "args", "env", "resources")
RESOURCES = ("cpu", "memory")
ACTIVE = ("Running", "Processing", "Unknown")
# Errors that may pass: https://learn.microsoft.com/azure/container-apps/quotas
PASSING = ("TooManyRequests", "Conflict", "AnotherOperationInProgress", "ContainerAppOperationInProgress")
PASSING_WORDS = ("quota", "Quota", "capacity", "Capacity")


class TokenSource(Protocol):
    """A source of access tokens, such as azure-identity's credentials."""

    def get_token(self, *scopes: str) -> Any: ...


@dataclass(slots=True, kw_only=True)
class ContainerApps:
    """The executions of one job; a run's handle is its execution's name. `extra` are variables for the run."""

    job: str
    container: str
    rest: JsonHttpClient
    tokens: TokenSource
    scope: str = f"{ARM}/.default"
    extra: Mapping[str, str]

    async def start(self, run: str) -> str:
        if handle := await find_active(self, run):
            return handle
        containers = (await self._request("GET", ""))["properties"]["template"]["containers"]
        answer = await self._request(
            "POST", "/start", body={"containers": [self._override(c, run) for c in containers]}
        )
        return str((answer or {}).get("name") or "")

    async def stop(self, handle: str) -> None:
        try:
            await self._request("POST", f"/executions/{handle}/stop")
        except RequestRejected as fault:
            if fault.status not in (404, 409):  # it does not exist, or has ended
                raise

    async def list_executions(self, handles: frozenset[str]) -> list[Execution]:
        found: list[Execution] = []
        path = "/executions"
        while path:
            answer = await self._request("GET", path)
            found += [e for e in map(self._execution, answer.get("value") or []) if e is not None]
            path = _below(self.job, answer.get("nextLink") or "")
        return found

    async def close(self) -> None:
        await self.rest.close()

    def _override(self, container: Mapping[str, Any], run: str) -> dict[str, Any]:
        override = {name: container[name] for name in OVERRIDABLE if container.get(name)}
        resources = override.get("resources", {})
        override["resources"] = {name: resources[name] for name in RESOURCES if name in resources}
        if container["name"] == self.container:
            override["args"] = ["run", run]
            given = [v for v in override.get("env", []) if v["name"] not in self.extra]
            override["env"] = [*given, *({"name": name, "value": value} for name, value in sorted(self.extra.items()))]
        return override

    def _execution(self, values: Mapping[str, Any]) -> Execution | None:
        properties = values.get("properties") or {}
        run = run_id_of_container((properties.get("template") or {}).get("containers") or [], self.container)
        if not run:
            return None
        status = str(properties.get("status") or "Unknown")
        return Execution(
            run=run,
            handle=str(values["name"]),
            up=status != "Processing",
            ended=status not in ACTIVE,
            code=0 if status == "Succeeded" else 1,
            detail="" if status == "Succeeded" else _why(properties, status),
        )

    async def _request(self, method: str, path: str, *, body: Any = None) -> Any:
        token = await access_token("Azure", lambda: str(self.tokens.get_token(self.scope).token))
        joined = "&" if "?" in path else "?"
        at = f"{self.job}{path}" if VERSION in path else f"{self.job}{path}{joined}{VERSION}"
        try:
            return await self.rest.request(method, at, body=body, headers={"authorization": f"Bearer {token}"})
        except RequestRejected as fault:
            passing = fault.code in PASSING or any(words in str(fault) for words in PASSING_WORDS)
            if passing and path == "/start":
                raise TransientError(str(fault)) from None
            raise


def container_apps(config: Mapping[str, Any], extra: Mapping[str, str]) -> ContainerApps:
    """The platform that the target configures, with the token of the identity that AZURE_CLIENT_ID names."""
    from azure.identity import ManagedIdentityCredential

    endpoint = (config.get("endpoint") or ARM).rstrip("/")
    return ContainerApps(
        job=config["job"],
        container=config["container"],
        rest=JsonHttpClient(name="Azure", url=endpoint),
        tokens=ManagedIdentityCredential(client_id=os.environ.get("AZURE_CLIENT_ID") or None),
        scope=f"{config.get('audience') or ARM}/.default",
        extra=extra,
    )


def _why(properties: Mapping[str, Any], status: str) -> str:
    """The reason, which only newer versions of the API return."""
    return str(properties.get("message") or properties.get("reason") or f"its execution ended with status {status}")


def _below(job: str, link: str) -> str:
    """The part of a next page's URL after the job; other URLs are not followed."""
    parts = urlsplit(link)
    if not parts.path.lower().startswith(job.lower()):
        return ""
    return f"{parts.path[len(job) :]}?{parts.query}" if parts.query else parts.path[len(job) :]
