"""The calls of Azure that the launcher makes: a job, its executions, and the identity's tokens.

https://learn.microsoft.com/rest/api/resource-manager/containerapps/jobs
https://learn.microsoft.com/azure/container-apps/managed-identity#rest-endpoint-reference
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

JOB = "/subscriptions/s/resourceGroups/g/providers/Microsoft.App/jobs/agent-run"
CLIENT, HEADER = "11111111-2222-3333-4444-555555555555", "the-identity-header"
CONTAINERS: list[dict[str, Any]] = [
    {
        "name": "run",
        "image": "registry.azurecr.io/agent@sha256:1",
        "args": ["run"],
        "env": [{"name": "UNMOOR_AGENT", "value": "agent"}, {"name": "UNMOOR_SECRET_T", "secretRef": "t"}],
        "resources": {"cpu": 1.0, "memory": "2Gi", "ephemeralStorage": "4Gi"},
        "volumeMounts": [{"volumeName": "run-work", "mountPath": "/work"}],
    },
    {
        "name": "guard",
        "image": "registry.azurecr.io/agent@sha256:1",
        "args": ["guard"],
        "resources": {"cpu": 0.25, "memory": "0.5Gi"},
    },
]
KNOWN = {"name", "image", "command", "args", "env", "resources"}


@dataclass
class FakeAzure:
    """A job. `refusing` is answered to the next start: status, code and words."""

    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    refusing: tuple[int, str, str] | None = None
    silent: bool = False
    tokens: int = 0
    url: str = ""

    def app(self) -> web.Application:
        made = web.Application(middlewares=[self._checked])
        made.add_routes(
            [
                web.get("/msi/token", self.token),
                web.get(JOB, self.job),
                web.post(f"{JOB}/start", self.start),
                web.get(f"{JOB}/executions", self.listed),
                web.post(f"{JOB}/executions/{{name}}/stop", self.stop),
            ]
        )
        return made

    @web.middleware
    async def _checked(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path != "/msi/token":
            assert request.query["api-version"] == "2024-03-01"
            if request.headers.get("authorization") != "Bearer a-token":
                return refused(401, "InvalidAuthenticationToken", "The access token is invalid.")
        return await handler(request)

    async def token(self, request: web.Request) -> web.Response:
        assert request.headers["x-identity-header"] == HEADER
        assert request.query["client_id"] == CLIENT
        assert request.query["resource"] == "https://management.azure.com"
        self.tokens += 1
        later = int(time.time()) + 3600
        return web.json_response(
            {
                "access_token": "a-token",
                "expires_on": str(later),
                "resource": "r",
                "token_type": "Bearer",
                "client_id": CLIENT,
            }
        )

    async def job(self, request: web.Request) -> web.Response:
        return web.json_response({"id": JOB, "properties": {"template": {"containers": CONTAINERS}}})

    async def start(self, request: web.Request) -> web.Response:
        if self.refusing is not None:
            return refused(*self.refusing)
        asked = await request.json()
        assert all(set(container) <= KNOWN for container in asked["containers"])
        name = f"agent-run-{len(self.executions):07}"
        properties = {"status": "Processing", "template": {"containers": asked["containers"], "initContainers": None}}
        self.executions[name] = {"id": f"{JOB}/executions/{name}", "name": name, "properties": properties}
        if self.silent:
            return web.Response(status=202, headers={"location": f"{self.url}{JOB}/operation"})
        return web.json_response({"id": f"{JOB}/executions/{name}", "name": name})

    async def listed(self, request: web.Request) -> web.Response:
        first = int(request.query.get("$skiptoken", "0"))
        shown = list(self.executions.values())[first : first + 2]
        link = f"{self.url}{JOB}/executions?api-version=2024-03-01&$skiptoken={first + 2}"
        return web.json_response({"value": shown, **({"nextLink": link} if first + 2 < len(self.executions) else {})})

    async def stop(self, request: web.Request) -> web.Response:
        execution = self.executions.get(request.match_info["name"])
        if execution is None:
            return refused(404, "JobExecutionNotFound", "There is no such execution.")
        if execution["properties"]["status"] in ("Running", "Processing"):
            execution["properties"]["status"] = "Stopped"
        return web.Response(status=202)


def refused(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
