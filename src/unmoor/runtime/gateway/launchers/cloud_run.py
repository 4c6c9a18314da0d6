"""Runs as executions of a Google Cloud Run job.

Google has no idempotency token for starts. A gateway therefore lists the job's newest executions before it starts a
run, and finds one that is active by the run in its arguments. If two gateways start the same run at the same moment,
one execution takes the lease and the other ends at once.
https://docs.cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs/run
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote

from unmoor.runtime.errors import TransientError
from unmoor.runtime.http.client import JsonHttpClient, RequestRejected

from .platform import Execution, access_token, find_active, run_id_of_container

ENDPOINT = "https://run.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
NEEDED = ("container", "job", "project", "region")
# Newest first: https://docs.cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs.executions/list
PAGE, MOST_PAGES = 100, 10
SEEN = "name,createTime,startTime,completionTime,succeededCount,conditions,template/containers(name,args)"
FIELDS = f"executions({SEEN}),nextPageToken"
# An execution may go on for a week: https://docs.cloud.google.com/run/docs/configuring/task-timeout
LONGEST = timedelta(days=8)
PASSING = ("RESOURCE_EXHAUSTED", "ABORTED", "UNAVAILABLE")


class GoogleCredentials(Protocol):
    """A holder of an access token, such as google-auth's credentials."""

    token: Any

    @property
    def valid(self) -> bool: ...

    def refresh(self, request: Any) -> None: ...


@dataclass(slots=True, kw_only=True)
class CloudRun:
    """The executions of one job; a run's handle is its execution's full name. `extra` are variables for the run."""

    job: str
    container: str
    rest: JsonHttpClient
    credentials: GoogleCredentials
    transport: Callable[[], Any]
    extra: Mapping[str, str]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def start(self, run: str) -> str:
        if handle := await find_active(self, run):
            return handle
        env = [{"name": name, "value": value} for name, value in sorted(self.extra.items())]
        override = {"name": self.container, "args": ["run", run], **({"env": env} if env else {})}
        body = {"overrides": {"containerOverrides": [override], "taskCount": 1}}
        answer = await self._request("POST", f"/v2/{self.job}:run", body=body)
        return str((answer.get("metadata") or {}).get("name") or "")

    async def stop(self, handle: str) -> None:
        try:
            await self._request("POST", f"/v2/{handle}:cancel", body={})
        except RequestRejected as fault:
            if fault.status != 404 and fault.code not in ("FAILED_PRECONDITION", "400"):  # it has ended
                raise

    async def list_executions(self, handles: frozenset[str]) -> list[Execution]:
        found = await self._newest()
        for handle in sorted(handles - {e.handle for e in found}):
            try:
                values = await self._request("GET", f"/v2/{handle}")
            except RequestRejected as fault:
                if fault.status != 404:
                    raise
            else:
                found += [e for e in [self._execution(values)] if e is not None]
        return found

    async def close(self) -> None:
        await self.rest.close()

    async def _newest(self) -> list[Execution]:
        """Every execution that may be active, newest first."""
        found: list[Execution] = []
        more = ""
        for _ in range(MOST_PAGES):
            query = f"pageSize={PAGE}&fields={quote(FIELDS)}" + (f"&pageToken={quote(more, safe='')}" if more else "")
            answer = await self._request("GET", f"/v2/{self.job}/executions?{query}") or {}
            page = answer.get("executions") or []
            found += [e for e in map(self._execution, page) if e is not None]
            more = answer.get("nextPageToken") or ""
            oldest = page[-1].get("createTime", "") if page else ""
            if not more or (oldest and _time(oldest) < self.clock() - LONGEST) or all(e.ended for e in found[-PAGE:]):
                break
        return found

    def _execution(self, values: Mapping[str, Any]) -> Execution | None:
        run = run_id_of_container((values.get("template") or {}).get("containers") or [], self.container)
        if not run:
            return None
        done = next((c for c in values.get("conditions") or [] if c.get("type") == "Completed"), {})
        succeeded = done.get("state") == "CONDITION_SUCCEEDED" or bool(values.get("succeededCount"))
        return Execution(
            run=run,
            handle=str(values["name"]),
            up=bool(values.get("startTime")),
            ended=bool(values.get("completionTime")),
            code=0 if succeeded else 1,
            detail="" if succeeded else str(done.get("message") or done.get("reason") or "its execution failed"),
        )

    async def _request(self, method: str, path: str, *, body: Any = None) -> Any:
        token = await access_token("Google", self._token)
        try:
            return await self.rest.request(method, path, body=body, headers={"authorization": f"Bearer {token}"})
        except RequestRejected as fault:
            if fault.code in PASSING:
                raise TransientError(str(fault)) from None
            raise

    def _token(self) -> str:
        if not self.credentials.valid:
            self.credentials.refresh(self.transport())
        return str(self.credentials.token)


def cloud_run(config: Mapping[str, Any], extra: Mapping[str, str]) -> CloudRun:
    """The platform that the target configures, with the token of the service's account."""
    from google.auth.compute_engine import Credentials
    from google.auth.transport.requests import Request

    return CloudRun(
        job=f"projects/{config['project']}/locations/{config['region']}/jobs/{config['job']}",
        container=config["container"],
        rest=JsonHttpClient(name="Google", url=(config.get("endpoint") or ENDPOINT).rstrip("/")),
        credentials=Credentials(scopes=[SCOPE]),
        transport=Request,
        extra=extra,
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.split(".")[0].removesuffix("Z")).replace(tzinfo=UTC)
