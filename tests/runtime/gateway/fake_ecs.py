"""The calls of Amazon ECS that the launcher makes, with client tokens as the documentation has them.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from iam import is_allowed

CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/agent"
TASK = "arn:aws:ecs:eu-west-1:123456789012:task-definition/agent-run:7"
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED"}}


@dataclass
class FakeEcs:
    """A cluster. `failing` is answered to the next RunTask: an error's name and words, or failures."""

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, tuple[dict[str, Any], str]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    failing: tuple[str, str] | list[dict[str, str]] | None = None
    page: int = 100
    # The statements of the caller's role; None allows everything.
    statements: list[dict[str, Any]] | None = None

    def app(self) -> web.Application:
        made = web.Application()
        made.add_routes([web.post("/", self.answer), web.get("/credentials", self.credentials)])
        return made

    async def credentials(self, request: web.Request) -> web.Response:
        number = len(self.shown)
        held = {
            "AccessKeyId": f"KEY{number}",
            "SecretAccessKey": "s",
            "Token": "t",
            "Expiration": "2999-01-01T00:00:00Z",
        }
        return web.json_response(held)

    async def answer(self, request: web.Request) -> web.Response:
        service, _, action = request.headers["x-amz-target"].partition(".")
        assert service == "AmazonEC2ContainerServiceV20141113"
        assert request.headers["content-type"] == "application/x-amz-json-1.1"
        self.shown.append(request.headers["authorization"])
        asked = await request.json()
        assert asked["cluster"] == CLUSTER
        self.asked.append((action, asked))
        for resource in _authorized_on(action, asked):
            if self.statements is not None and not is_allowed(
                self.statements, f"ecs:{action}", resource, ecs__cluster=CLUSTER
            ):
                return refused("AccessDeniedException", f"not authorized to perform: ecs:{action} on {resource}")
        return getattr(self, action)(asked)

    def RunTask(self, asked: dict[str, Any]) -> web.Response:
        if isinstance(self.failing, tuple):
            return refused(*self.failing)
        if self.failing is not None:
            return answered({"tasks": [], "failures": self.failing})
        token = asked.pop("clientToken")
        assert len(token) <= 64
        if token in self.tokens:
            first, arn = self.tokens[token]
            if first != asked:
                return refused("ConflictException", "The clientToken is in use", resourceIds=[arn])
            task = self.tasks[arn]
            seen = {key: task[key] for key in ("taskArn", "lastStatus", "desiredStatus")}
            return answered({"tasks": [seen if task["lastStatus"] == "STOPPED" else task], "failures": []})
        arn = f"arn:aws:ecs:eu-west-1:123456789012:task/agent/{len(self.tasks):032}"
        self.tokens[token] = (asked, arn)
        self.tasks[arn] = {
            "taskArn": arn,
            "lastStatus": "PROVISIONING",
            "desiredStatus": "RUNNING",
            "startedBy": asked["startedBy"],
            "overrides": asked["overrides"],
            "containers": [{"name": "run"}, {"name": "guard"}],
        }
        return answered({"tasks": [self.tasks[arn]], "failures": []})

    def ListTasks(self, asked: dict[str, Any]) -> web.Response:
        assert asked["family"] == "agent-run"
        arns = sorted(arn for arn, task in self.tasks.items() if task["desiredStatus"] == asked["desiredStatus"])
        first = int(asked.get("nextToken", "0"))
        more = {"nextToken": str(first + self.page)} if first + self.page < len(arns) else {}
        return answered({"taskArns": arns[first : first + self.page], **more})

    def DescribeTasks(self, asked: dict[str, Any]) -> web.Response:
        assert 0 < len(asked["tasks"]) <= 100
        return answered({"tasks": [self.tasks[arn] for arn in asked["tasks"] if arn in self.tasks], "failures": []})

    def StopTask(self, asked: dict[str, Any]) -> web.Response:
        task = self.tasks.get(asked["task"])
        if task is None:
            return refused("InvalidParameterException", "The referenced task was not found.")
        self.stop(task, 143, "Essential container in task exited")
        return answered({"task": task})

    def stop(self, task: dict[str, Any], code: int | None, reason: str, *, why: str = "") -> None:
        task |= {"lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stoppedReason": reason}
        own = task["containers"][0]
        own |= {**({} if code is None else {"exitCode": code}), **({"reason": why} if why else {})}


def _authorized_on(action: str, asked: dict[str, Any]) -> list[str]:
    """The resources that ECS authorizes a call on. A list of tasks without a container instance is authorized on `*`:
    https://github.com/cdklabs/construct-hub/issues/1207, https://github.com/awsdocs/amazon-ecs-developer-guide/issues/211
    """
    if action == "RunTask":
        return [asked["taskDefinition"]]
    return ["*"] if action == "ListTasks" else [*asked.get("tasks", []), *([asked["task"]] if "task" in asked else [])]


def answered(values: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(text=json.dumps(values), status=status, content_type="application/x-amz-json-1.1")


def refused(code: str, message: str, **more: Any) -> web.Response:
    status = 500 if code == "ServerException" else 400
    return answered({"__type": f"com.amazonaws.ecs#{code}", "message": message, **more}, status)
