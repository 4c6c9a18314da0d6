"""The calls of Google that the launcher makes: a job's executions, and the account's tokens.

https://docs.cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs
https://docs.cloud.google.com/compute/docs/access/authenticate-workloads#applications
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

JOB = "projects/p/locations/europe-west1/jobs/agent-run"
ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default/"


@dataclass
class FakeGoogle:
    """A job. `refusing` is answered to the next start: status, name and words."""

    executions: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    refusing: tuple[int, str, str] | None = None
    tokens: int = 0

    def app(self) -> web.Application:
        made = web.Application(middlewares=[self._checked])
        made.add_routes(
            [
                web.get(ACCOUNT, self.account),
                web.get(f"{ACCOUNT}token", self.token),
                web.post(f"/v2/{JOB}:run", self.run),
                web.get(f"/v2/{JOB}/executions", self.listed),
                web.get(f"/v2/{JOB}/executions/{{name}}", self.show),
                web.post(f"/v2/{JOB}/executions/{{name}}:cancel", self.cancel),
            ]
        )
        return made

    @web.middleware
    async def _checked(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path.startswith("/computeMetadata"):
            assert request.headers["metadata-flavor"] == "Google"
            answer = await handler(request)
            answer.headers["Metadata-Flavor"] = "Google"
            return answer
        if request.headers.get("authorization") != "Bearer a-token":
            return refused(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        return await handler(request)

    async def account(self, request: web.Request) -> web.Response:
        return web.json_response({"email": "gateway@p.iam.gserviceaccount.com", "scopes": [], "aliases": ["default"]})

    async def token(self, request: web.Request) -> web.Response:
        self.tokens += 1
        return web.json_response({"access_token": "a-token", "expires_in": 3599, "token_type": "Bearer"})

    async def run(self, request: web.Request) -> web.Response:
        if self.refusing is not None:
            return refused(*self.refusing)
        asked = await request.json()
        self.asked.append(asked)
        [override] = asked["overrides"]["containerOverrides"]
        name = f"{JOB}/executions/agent-run-{len(self.executions):05}"
        made = {
            "name": name,
            "createTime": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "template": {"containers": [{"name": "run", "args": override["args"]}]},
            "conditions": [{"type": "Completed", "state": "CONDITION_RECONCILING"}],
        }
        self.executions.insert(0, made)
        return web.json_response({"name": "projects/p/locations/europe-west1/operations/o", "metadata": {"name": name}})

    async def listed(self, request: web.Request) -> web.Response:
        assert request.query["fields"].endswith(",nextPageToken")
        first, size = int(request.query.get("pageToken", "0")), int(request.query["pageSize"])
        more = {"nextPageToken": str(first + size)} if first + size < len(self.executions) else {}
        return web.json_response(
            {"executions": self.executions[first : first + size], **more} if self.executions else {}
        )

    async def show(self, request: web.Request) -> web.Response:
        found = self._named(request.match_info["name"])
        return web.json_response(found) if found else refused(404, "NOT_FOUND", "no such execution")

    async def cancel(self, request: web.Request) -> web.Response:
        found = self._named(request.match_info["name"])
        if found is None:
            return refused(404, "NOT_FOUND", "no such execution")
        if found.get("completionTime"):
            return refused(400, "FAILED_PRECONDITION", "it has completed")
        self.end(found, 1, "The execution was cancelled.")
        return web.json_response({"name": "projects/p/locations/europe-west1/operations/c"})

    def end(self, execution: dict[str, Any], code: int, message: str = "") -> None:
        execution["completionTime"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        state = "CONDITION_FAILED" if code else "CONDITION_SUCCEEDED"
        execution["conditions"] = [{"type": "Completed", "state": state, "message": message}]

    def _named(self, name: str) -> dict[str, Any] | None:
        return next((e for e in self.executions if e["name"].rsplit("/", 1)[-1] == name), None)


def refused(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": status, "message": message, "status": code}}, status=status)
