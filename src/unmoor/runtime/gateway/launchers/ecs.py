"""Runs as tasks of Amazon ECS.

The request's client token, the run's id and the number of the start, makes starts idempotent: ECS returns the same task
for a known token, for 24 hours or until an hour after the task has stopped.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from unmoor.runtime.errors import ConfigurationError, TransientError
from unmoor.runtime.http.client import JsonHttpClient, RequestRejected
from unmoor.runtime.state import keys

from .aws_sigv4 import CredentialProvider, sign_request
from .firings import EndedFiring, firing_of_command
from .platform import GONE, Execution

TARGET = "AmazonEC2ContainerServiceV20141113"
NEEDED = ("cluster", "container", "network", "region", "task_definition")
# The limit of starts per run, over all gateways; a used token cannot start another task.
MOST_STARTS = 100
# The limit of tasks per request: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
PAGE = 100
# Errors that may pass, although ECS answers 400 or reports a failure of one task; by code and by text.
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html
PASSING = ("LimitExceededException", "RequestLimitExceeded", "Throttling", "ThrottlingException")
PASSING_REASONS = ("RESOURCE", "AGENT", "CAPACITY")
PASSING_WORDS = ("Capacity is unavailable", "reached the limit on the number of", "Rate exceeded")
STALE = ("ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidSignatureException")


@dataclass(slots=True, kw_only=True)
class Ecs:
    """The tasks of one task definition in one cluster; a run's handle is its task's ARN."""

    cluster: str
    task_definition: str
    container: str
    network: Mapping[str, Any]
    region: str
    rest: JsonHttpClient
    credentials: CredentialProvider
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _starts: dict[str, int] = field(default_factory=dict[str, int])

    async def start(self, run: str) -> str:
        for number in range(self._starts.get(run, 0), MOST_STARTS):
            self._starts[run] = number
            task = await self._run_task(run, f"{run}.{number}")
            if not _has_stopped(task):
                return str(task["taskArn"])
        raise ConfigurationError(f"run {run} was started {MOST_STARTS} times, and each task stopped")

    async def stop(self, handle: str) -> None:
        try:
            await self._request("StopTask", {"cluster": self.cluster, "task": handle, "reason": "unmoor: told to stop"})
        except RequestRejected as fault:
            if "not found" not in str(fault):
                raise

    async def list_executions(self, handles: frozenset[str]) -> list[Execution]:
        try:
            listed = await self._list_tasks("RUNNING")
        except RequestRejected:
            if not handles:
                raise
            listed = []  # what became of known tasks can be read without the right to list
        tasks = await self._describe_tasks(sorted({*listed, *handles}))
        runs = [task for task in tasks if keys.RUN_ID.fullmatch(str(task.get("startedBy", "")))]
        return [_execution(task, self.container) for task in runs]

    async def ended_firings(self) -> list[EndedFiring]:
        """The tasks that EventBridge Scheduler started and that have ended, for the hour in which ECS lists them."""
        tasks = await self._describe_tasks(await self._list_tasks("STOPPED"))
        return [firing for task in tasks if (firing := _ended_firing(task, self.container)) is not None]

    async def close(self) -> None:
        await self.rest.close()

    async def _run_task(self, run: str, token: str) -> Mapping[str, Any]:
        request = {
            "cluster": self.cluster,
            "taskDefinition": self.task_definition,
            "launchType": "FARGATE",
            "count": 1,
            "clientToken": token,
            "startedBy": run,
            "propagateTags": "TASK_DEFINITION",
            "networkConfiguration": self.network,
            "overrides": {"containerOverrides": [{"name": self.container, "command": ["run", run]}]},
        }
        try:
            answer = await self._request("RunTask", request)
        except RequestRejected as fault:
            if fault.code != "ConflictException":
                raise
            # The definition was deployed again since: find the task of the earlier start.
            return await self._task_of_conflict(fault)
        if answer.get("tasks"):
            return answer["tasks"][0]
        raise _start_error(answer.get("failures") or [])

    async def _task_of_conflict(self, fault: RequestRejected) -> Mapping[str, Any]:
        arns = [str(arn) for arn in fault.values.get("resourceIds") or []]
        tasks = await self._describe_tasks(arns)
        # A task that ECS no longer lists stopped more than an hour ago.
        return next((t for t in tasks if not _has_stopped(t)), {"lastStatus": "STOPPED"})

    async def _list_tasks(self, status: str) -> list[str]:
        """The ARNs of the run's tasks with this desired status."""
        family = self.task_definition.rsplit("/", 1)[-1].split(":")[0]
        request = {"cluster": self.cluster, "family": family, "desiredStatus": status}
        found: list[str] = []
        more = ""
        while True:
            answer = await self._request("ListTasks", {**request, **({"nextToken": more} if more else {})})
            found += map(str, answer.get("taskArns", []))
            more = answer.get("nextToken") or ""
            if not more:
                return found

    async def _describe_tasks(self, arns: Sequence[str]) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for first in range(0, len(arns), PAGE):
            request = {"cluster": self.cluster, "tasks": list(arns[first : first + PAGE])}
            found += (await self._request("DescribeTasks", request)).get("tasks", [])
        return found

    async def _request(self, action: str, request: Mapping[str, Any]) -> Any:
        body = json.dumps(request).encode()
        headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"{TARGET}.{action}"}
        held = await self.credentials.get()
        headers = sign_request(self.rest.url, body, headers, held, region=self.region, service="ecs", at=self.clock())
        try:
            return await self.rest.request("POST", "/", body=body, headers=headers)
        except RequestRejected as fault:
            if fault.code in STALE:
                self.credentials.invalidate()
            if fault.code in (*PASSING, *STALE) or any(words in str(fault) for words in PASSING_WORDS):
                raise TransientError(f"{action}: {fault}") from None
            raise


def ecs(config: Mapping[str, Any]) -> Ecs:
    """The platform that the target configures."""
    suffix = "amazonaws.com.cn" if config["region"].startswith("cn-") else "amazonaws.com"
    url = config.get("endpoint") or f"https://ecs.{config['region']}.{suffix}"
    return Ecs(
        **{name: config[name] for name in NEEDED},
        rest=JsonHttpClient(name="ECS", url=url.rstrip("/")),
        credentials=CredentialProvider(environment=os.environ),
    )


def _has_stopped(task: Mapping[str, Any]) -> bool:
    return task.get("lastStatus") == "STOPPED"


def _execution(task: Mapping[str, Any], container: str) -> Execution:
    code, detail = _exit(task, container)
    return Execution(
        run=str(task["startedBy"]),
        handle=str(task["taskArn"]),
        up=task.get("lastStatus") not in ("PROVISIONING", "PENDING", "ACTIVATING"),
        ended=_has_stopped(task),
        code=GONE if code is None else int(code),
        detail=detail,
        no_capacity=code is None and any(words in detail for words in PASSING_WORDS),
    )


def _exit(task: Mapping[str, Any], container: str) -> tuple[int | None, str]:
    """The container's exit code, None if it never ran, and why it ended."""
    own = next((c for c in task.get("containers", []) if c.get("name") == container), {})
    reasons = [own.get("reason"), task.get("stoppedReason")]
    return own.get("exitCode"), "; ".join(dict.fromkeys(str(reason) for reason in reasons if reason))


def _ended_firing(task: Mapping[str, Any], container: str) -> EndedFiring | None:
    overrides = (task.get("overrides") or {}).get("containerOverrides") or []
    command = next((o.get("command") or [] for o in overrides if o.get("name") == container), [])
    fired = firing_of_command(command)
    if fired is None or not _has_stopped(task):
        return None
    at = datetime.fromtimestamp(float(task.get("createdAt") or 0), UTC).isoformat()
    return EndedFiring(trigger=fired[0], delivery=fired[1], at=at, detail=_exit(task, container)[1])


def _start_error(failures: Iterable[Mapping[str, Any]]) -> TransientError | ConfigurationError:
    reasons = [f"{f.get('reason', 'no reason')} {f.get('detail') or ''}".strip() for f in failures]
    text = f"ECS started no task: {'; '.join(reasons) or 'no reason given'}"
    passing = all(r.startswith(PASSING_REASONS) or any(w in r for w in PASSING_WORDS) for r in reasons)
    return TransientError(text) if passing else ConfigurationError(text)
