"""Whether a service runs what was deployed, by what ECS answers: by hand for what moto does not play, and by moto."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.session import Session

from unmoor.target.revision import Revision
from unmoor.targets.aws_ecs.serving import Service, inspect_service

ARN = "arn:aws:ecs:eu-west-1:123456789012"
SERVICE = Service(arn=f"{ARN}:service/agent/agent-gateway", cluster="agent", family="agent-gateway", region="eu-west-1")
NEW, OLD = (f"{ARN}:task-definition/agent-gateway:{number}" for number in (7, 6))
LOGS = {
    "logDriver": "awslogs",
    "options": {"awslogs-group": "/unmoor/agent/gateway", "awslogs-stream-prefix": "unmoor", "awslogs-region": "x"},
}


def deployment(definition: str = NEW, status: str = "PRIMARY", **more: Any) -> dict[str, Any]:
    base = {"id": "ecs-svc/1", "status": status, "taskDefinition": definition, "desiredCount": 2, "runningCount": 2}
    return {**base, "pendingCount": 0, "failedTasks": 0, "rolloutState": "COMPLETED", **more}


def task(number: int, *, definition: str = NEW, stopped_at: float = 1000.0, **more: Any) -> dict[str, Any]:
    containers = [
        {"name": "gateway", "exitCode": 1, "lastStatus": "STOPPED"},
        {"name": "guard", "exitCode": 143, "lastStatus": "STOPPED"},
    ]
    base = {"taskArn": f"{ARN}:task/agent/{number}", "taskDefinitionArn": definition, "stoppedAt": stopped_at}
    return {**base, "stoppedReason": "Essential container in task exited", "containers": containers, **more}


def logs(*lines: str) -> dict[str, Any]:
    return {"events": [{"timestamp": 1, "ingestionTime": 1, "message": line} for line in lines]}


@contextlib.contextmanager
def ecs(monkeypatch: pytest.MonkeyPatch, **answers: Any) -> Iterator[list[tuple[str, Any]]]:
    """An endpoint that gives one answer for each call: by the call's name, values, or a status and values.

    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Operations.html
    """
    asked: list[tuple[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            call = self.headers["x-amz-target"].split(".")[-1]
            asked.append((call, body))
            status, values = answers[call] if isinstance(answers[call], tuple) else (200, answers[call])
            content = json.dumps(values).encode()
            self.send_response(status)
            self.send_header("content-type", "application/x-amz-json-1.1")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    log_in(monkeypatch, f"http://127.0.0.1:{server.server_address[1]}")
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def log_in(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    values = {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def answers(
    *deployments: dict[str, Any], stopped: list[dict[str, Any]] | None = None, log: Any = None
) -> dict[str, Any]:
    containers = [{"name": name, "image": "i", "logConfiguration": LOGS} for name in ("gateway", "guard")]
    return {
        "DescribeServices": {"services": [{"status": "ACTIVE", "deployments": list(deployments)}], "failures": []},
        "DescribeTaskDefinition": {"taskDefinition": {"taskDefinitionArn": NEW, "containerDefinitions": containers}},
        "ListTasks": {"taskArns": [each["taskArn"] for each in stopped or []]},
        "DescribeTasks": {"tasks": stopped or [], "failures": []},
        "GetLogEvents": log or logs(),
    }


def looked(monkeypatch: pytest.MonkeyPatch, **given: Any) -> Revision:
    with ecs(monkeypatch, **given):
        return inspect_service(SERVICE)


def test_the_newest_definition_that_is_deployed_whole_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    found = looked(monkeypatch, **answers(deployment()))
    assert found == Revision(state="serves", text="2 of 2 tasks run agent-gateway:7")


@pytest.mark.parametrize(
    "primary",
    [
        deployment(runningCount=1, rolloutState="IN_PROGRESS"),
        deployment(runningCount=1),
        deployment(runningCount=1, rolloutState=None),
    ],
)
def test_a_rollout_that_goes_on_is_on_its_way(monkeypatch: pytest.MonkeyPatch, primary: dict[str, Any]) -> None:
    found = looked(monkeypatch, **answers({k: v for k, v in primary.items() if v is not None}))
    assert found == Revision(state="moving", text="1 of 2 tasks run agent-gateway:7")


def test_all_tasks_that_run_while_others_drain_are_not_yet_all(monkeypatch: pytest.MonkeyPatch) -> None:
    found = looked(monkeypatch, **answers(deployment(rolloutState="IN_PROGRESS"), deployment(OLD, "ACTIVE")))
    assert found.state == "moving"


def test_a_deployment_that_was_rolled_back_is_not_what_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = [task(1, stopped_at=900), task(2, stopped_at=950), task(3, definition=OLD, stopped_at=990)]
    given = answers(deployment(OLD), stopped=stopped, log=logs("starting", '{"error": "no such bundle"}'))
    with ecs(monkeypatch, **given) as asked:
        found = inspect_service(SERVICE)
    assert found == Revision(
        state="failed",
        text="ECS rolled back to agent-gateway:6: agent-gateway:7 did not start; "
        "Essential container in task exited; container gateway: exit code 1",
        log=("starting", '{"error": "no such bundle"}'),
    )
    assert asked[2] == (
        "ListTasks",
        {"cluster": "agent", "serviceName": "agent-gateway", "desiredStatus": "STOPPED"},
    )
    assert asked[-1][1]["logStreamName"] == "unmoor/gateway/2"


def test_a_deployment_that_is_being_rolled_out_replaces_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    found = looked(monkeypatch, **answers(deployment(OLD), deployment(NEW, "ACTIVE", rolloutState="IN_PROGRESS")))
    assert found == Revision(state="moving", text="agent-gateway:7 replaces agent-gateway:6")


def test_a_deployment_that_failed_says_why_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    primary = deployment(
        rolloutState="FAILED", rolloutStateReason="ECS deployment circuit breaker: tasks failed to start."
    )
    pull = {"name": "gateway", "reason": "CannotPullContainerError: not found"}
    stopped = [task(1, stoppedReason="Task failed to start", containers=[pull])]
    refused = (400, {"__type": "ResourceNotFoundException", "message": "The specified log stream does not exist."})
    found = looked(monkeypatch, **answers(primary, stopped=stopped, log=refused))
    assert found == Revision(
        state="failed",
        text="agent-gateway:7 failed: ECS deployment circuit breaker: tasks failed to start.; Task failed to start; "
        "container gateway: CannotPullContainerError: not found",
    )


def test_a_deployment_that_failed_longer_ago_than_ecs_remembers_says_that_it_did(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = looked(monkeypatch, **answers(deployment(OLD)))
    assert found.text == "ECS rolled back to agent-gateway:6: agent-gateway:7 did not start"


def test_a_reason_that_may_not_be_read_hides_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = (
        400,
        {"__type": "AccessDeniedException", "message": "User: x is not authorized to perform: ecs:ListTasks"},
    )
    found = looked(monkeypatch, **{**answers(deployment(OLD)), "ListTasks": refused})
    assert found.text == (
        "ECS rolled back to agent-gateway:6: agent-gateway:7 did not start; "
        "the reason why its tasks stopped cannot be read: AWS refused ListTasks: User: x is not authorized to perform: ecs:ListTasks"
    )


@pytest.mark.parametrize("services", [[], [{"status": "INACTIVE", "deployments": []}]])
def test_a_service_that_is_gone_is_said(monkeypatch: pytest.MonkeyPatch, services: list[Any]) -> None:
    found = looked(monkeypatch, DescribeServices={"services": services, "failures": []})
    assert found == Revision(state="failed", text="the service agent-gateway does not exist; unmoor up creates it")


@pytest.mark.slow
def test_moto_answers_in_the_same_shapes(monkeypatch: pytest.MonkeyPatch, moto: str) -> None:
    log_in(monkeypatch, moto)
    client = Session().create_client("ecs", region_name="eu-west-1")
    client.create_cluster(clusterName="agent")
    container = {"name": "gateway", "image": "i", "memory": 128}
    client.register_task_definition(family="agent-gateway", containerDefinitions=[container])
    made = client.create_service(
        cluster="agent", serviceName="agent-gateway", taskDefinition="agent-gateway", desiredCount=1
    )
    service = Service(arn=made["service"]["serviceArn"], cluster="agent", family="agent-gateway", region="eu-west-1")
    assert inspect_service(service) == Revision(state="moving", text="0 of 1 tasks run agent-gateway:1")
    client.register_task_definition(family="agent-gateway", containerDefinitions=[container])
    assert inspect_service(service).text == ("ECS rolled back to agent-gateway:1: agent-gateway:2 did not start")
