"""Whether the gateway's service runs the newest task definition, and if not, the reason.

ECS reports a deployment that the circuit breaker rolled back as successful, with the earlier definition:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from unmoor.operate.errors import OperateError
from unmoor.plan import Plan
from unmoor.target import Outputs
from unmoor.target.revision import Revision, failed_revision, moving_revision, serving_revision

from .account import call_aws, client
from .names import name
from .settings import EcsSettings

LOG_LINES = 20


def current_revision(outputs: Outputs, settings: EcsSettings, plan: Plan) -> Revision:
    """The state of the service now."""
    service = Service(arn=outputs.gateway, cluster=name(plan, ""), family=name(plan, "gateway"), region=settings.region)
    return inspect_service(service)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service, and the family whose newest task definition it should run."""

    arn: str
    cluster: str
    family: str
    region: str

    def request(self, service: str, call: str, **arguments: Any) -> Any:
        return call_aws(lambda: getattr(client(service, self.region), call)(**arguments))


def inspect_service(service: Service) -> Revision:
    """The state of the primary deployment, and whether it has the newest definition."""
    found = service.request("ecs", "describe_services", cluster=service.cluster, services=[service.arn])["services"]
    if not found or found[0]["status"] != "ACTIVE":
        return failed_revision(f"the service {service.arn.rsplit('/', 1)[-1]} does not exist; unmoor up creates it")
    newest_definition = service.request("ecs", "describe_task_definition", taskDefinition=service.family)[
        "taskDefinition"
    ]
    deployments = found[0]["deployments"]
    primary = next(each for each in deployments if each["status"] == "PRIMARY")
    if primary["taskDefinition"] != newest_definition["taskDefinitionArn"]:
        return _not_newest(service, primary, newest_definition, deployments)
    return _deployment_state(service, primary, newest_definition, alone=len(deployments) == 1)


def _deployment_state(
    service: Service, primary: Mapping[str, Any], newest_definition: Mapping[str, Any], *, alone: bool
) -> Revision:
    revision = _short(primary["taskDefinition"])
    tasks = f"{primary['runningCount']} of {primary['desiredCount']} tasks run {revision}"
    state = primary.get("rolloutState")
    if state == "FAILED":
        return _failure(
            service, newest_definition, f"{revision} failed: {primary.get('rolloutStateReason', 'ECS gives no reason')}"
        )
    is_whole = primary["runningCount"] >= primary["desiredCount"] and (state == "COMPLETED" or (not state and alone))
    return serving_revision(tasks) if is_whole else moving_revision(tasks)


def _not_newest(
    service: Service,
    primary: Mapping[str, Any],
    newest_definition: Mapping[str, Any],
    deployments: list[Mapping[str, Any]],
) -> Revision:
    """The newest definition was rolled back, or is not deployed yet."""
    of_newest_definition = [
        each for each in deployments if each["taskDefinition"] == newest_definition["taskDefinitionArn"]
    ]
    now, newest = _short(primary["taskDefinition"]), _short(newest_definition["taskDefinitionArn"])
    if any(each.get("rolloutState") == "IN_PROGRESS" for each in of_newest_definition):
        return moving_revision(f"{newest} replaces {now}")
    return _failure(service, newest_definition, f"ECS rolled back to {now}: {newest} did not start")


def _failure(service: Service, newest_definition: Mapping[str, Any], text: str) -> Revision:
    """A failure with the reason and the log of the container that caused it."""
    try:
        task = _last_stopped_task(service, newest_definition["taskDefinitionArn"])
    except OperateError as error:
        return failed_revision(f"{text}; the reason why its tasks stopped cannot be read: {error}")
    if task is None:
        return failed_revision(text)
    container = _failed_container(task["containers"])
    reasons = [task.get("stoppedReason", ""), _container_text(container) if container else ""]
    log = _log(service, newest_definition, task, container["name"]) if container else []
    return failed_revision("; ".join([text, *filter(None, reasons)]), log)


def _last_stopped_task(service: Service, definition: str) -> Mapping[str, Any] | None:
    """The definition's task that stopped last; ECS remembers an hour."""
    arguments = {"cluster": service.cluster, "serviceName": service.arn.rsplit("/", 1)[-1], "desiredStatus": "STOPPED"}
    arns = service.request("ecs", "list_tasks", **arguments)["taskArns"]
    if not arns:
        return None
    tasks = service.request("ecs", "describe_tasks", cluster=service.cluster, tasks=arns[:100])["tasks"]
    of_it = [each for each in tasks if each["taskDefinitionArn"] == definition and each.get("stoppedAt")]
    return max(of_it, key=lambda each: each["stoppedAt"], default=None)


def _failed_container(containers: list[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The container that failed; one that ECS stopped with the others has a signal's code."""
    bad = [each for each in containers if each.get("reason") or each.get("exitCode")]
    return min(bad, key=lambda each: each.get("exitCode") in (137, 143), default=None)


def _container_text(container: Mapping[str, Any]) -> str:
    code = f"exit code {container['exitCode']}" if "exitCode" in container else ""
    return f"container {container['name']}: {', '.join(filter(None, [container.get('reason', ''), code]))}"


def _log(service: Service, newest_definition: Mapping[str, Any], task: Mapping[str, Any], container: str) -> list[str]:
    """The container's last log lines; empty if they cannot be read."""
    definitions = {each["name"]: each for each in newest_definition["containerDefinitions"]}
    options = definitions.get(container, {}).get("logConfiguration", {}).get("options", {})
    if "awslogs-group" not in options:
        return []
    number = task["taskArn"].rsplit("/", 1)[-1]
    stream = f"{options.get('awslogs-stream-prefix', '')}/{container}/{number}"
    arguments = {"logGroupName": options["awslogs-group"], "logStreamName": stream, "limit": LOG_LINES}
    try:
        events = service.request("logs", "get_log_events", startFromHead=False, **arguments)["events"]
    except OperateError:
        return []  # a task that never started has no stream
    return [line for event in events for line in event["message"].splitlines()][-LOG_LINES:]


def _short(arn: str) -> str:
    """`family:7` of a task definition's ARN."""
    return arn.rsplit("/", 1)[-1]
