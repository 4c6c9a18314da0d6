"""Runs as executions of a manual job of Azure Container Apps.

Azure knows no token by which a start is made once. So a run is started once by this much: a gateway starts it once,
and looks at the job's executions first, where one that goes on names the run in its arguments. Two gateways that do
both in the same moment start two executions; of these one takes the run by its lease, and the other ends at once.
https://learn.microsoft.com/rest/api/resource-manager/containerapps/jobs/start
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from unmoor.runtime.errors import TransientError
from unmoor.runtime.http.client import JsonHttpClient, RequestRejected

from .platform import Execution, run_id_of_container

VERSION = "api-version=2024-03-01"
ARM = "https://management.azure.com"
NEEDED = ("container", "job")
# What an execution may be told of a container; all else, as its volumes, comes from the job.
# https://learn.microsoft.com/rest/api/resource-manager/containerapps/jobs/start#jobexecutioncontainer
TOLD = ("name", "image", "command", "args", "env", "resources")
RESOURCES = ("cpu", "memory")
GOING_ON = ("Running", "Processing", "Unknown")
# What is refused now and may be done later: https://learn.microsoft.com/azure/container-apps/quotas
PASSING = ("TooManyRequests", "Conflict", "AnotherOperationInProgress", "ContainerAppOperationInProgress")
PASSING_WORDS = ("quota", "Quota", "capacity", "Capacity")


class TokenSource(Protocol):
    """Whoever gives access tokens: of azure-identity, a credential."""

    def get_token(self, *scopes: str) -> Any: ...


@dataclass(slots=True, kw_only=True)
class ContainerApps:
    """The executions of one job; a run's handle is its execution's name. `extra` are variables of the run's own."""

    job: str
    container: str
    rest: JsonHttpClient
    tokens: TokenSource
    scope: str = f"{ARM}/.default"
    extra: Mapping[str, str]

    async def start(self, run: str) -> str:
        for execution in await self.list_executions(frozenset()):
            if execution.run == run and not execution.ended:
                return execution.handle
        containers = (await self._ask("GET", ""))["properties"]["template"]["containers"]
        answer = await self._ask("POST", "/start", body={"containers": [self._told(c, run) for c in containers]})
        return str((answer or {}).get("name") or "")

    async def stop(self, handle: str) -> None:
        try:
            await self._ask("POST", f"/executions/{handle}/stop")
        except RequestRejected as fault:
            if fault.status not in (404, 409):  # it is not there, or has ended
                raise

    async def list_executions(self, handles: frozenset[str]) -> list[Execution]:
        found: list[Execution] = []
        path = "/executions"
        while path:
            answer = await self._ask("GET", path)
            found += [e for e in map(self._execution, answer.get("value") or []) if e is not None]
            path = _below(self.job, answer.get("nextLink") or "")
        return found

    async def close(self) -> None:
        await self.rest.close()

    def _told(self, container: Mapping[str, Any], run: str) -> dict[str, Any]:
        told = {name: container[name] for name in TOLD if container.get(name)}
        told["resources"] = {name: told["resources"][name] for name in RESOURCES if name in told.get("resources", {})}
        if container["name"] == self.container:
            told["args"] = ["run", run]
            given = [v for v in told.get("env", []) if v["name"] not in self.extra]
            told["env"] = [*given, *({"name": name, "value": value} for name, value in sorted(self.extra.items()))]
        return told

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
            ended=status not in GOING_ON,
            code=0 if status == "Succeeded" else 1,
            said="" if status == "Succeeded" else _why(properties, status),
        )

    async def _ask(self, method: str, path: str, *, body: Any = None) -> Any:
        token = await self._token()
        joined = "&" if "?" in path else "?"
        at = f"{self.job}{path}" if VERSION in path else f"{self.job}{path}{joined}{VERSION}"
        try:
            return await self.rest.request(method, at, body=body, headers={"authorization": f"Bearer {token}"})
        except RequestRejected as fault:
            passing = fault.code in PASSING or any(words in str(fault) for words in PASSING_WORDS)
            if passing and path == "/start":
                raise TransientError(str(fault)) from None
            raise

    async def _token(self) -> str:
        try:
            return str((await asyncio.to_thread(self.tokens.get_token, self.scope)).token)
        except Exception as error:  # the library's own faults, and those of the HTTP library below it
            text = " ".join(str(error).split())[:200]
            raise TransientError(f"Azure gives the gateway no token: {type(error).__name__}: {text}") from error


def container_apps(told: Mapping[str, Any], extra: Mapping[str, str]) -> ContainerApps:
    """As the target configures it, with the token of the identity that AZURE_CLIENT_ID names."""
    from azure.identity import ManagedIdentityCredential

    endpoint = (told.get("endpoint") or ARM).rstrip("/")
    return ContainerApps(
        job=told["job"],
        container=told["container"],
        rest=JsonHttpClient(name="Azure", url=endpoint),
        tokens=ManagedIdentityCredential(client_id=os.environ.get("AZURE_CLIENT_ID") or None),
        scope=f"{told.get('audience') or ARM}/.default",
        extra=extra,
    )


def _why(properties: Mapping[str, Any], status: str) -> str:
    """Newer versions of the API say why; this one says no more than how it ended."""
    return str(properties.get("message") or properties.get("reason") or f"its execution ended as {status}")


def _below(job: str, link: str) -> str:
    """The part of a next page's address that follows the job; pages of anything else are not followed."""
    parts = urlsplit(link)
    if not parts.path.lower().startswith(job.lower()):
        return ""
    return f"{parts.path[len(job) :]}?{parts.query}" if parts.query else parts.path[len(job) :]
