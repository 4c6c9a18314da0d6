"""The rights of the agent's own roles suffice for the calls that it makes, as ECS authorizes them."""

from __future__ import annotations

import json

from cases import graph_of, one, plan_of
from iam import is_allowed

from unmoor.target.registry import load

CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/agent-prod"
TASK = CLUSTER.replace(":cluster/", ":task/") + "/0123"
DEFINITION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/agent-prod-run:7"


def test_the_gateway_may_start_list_describe_and_stop_runs_in_its_cluster_alone() -> None:
    graph = graph_of("aws-ecs", plan_of(), load("aws-ecs").settings(region="eu-west-1"))
    statements = json.loads(one(graph, "aws:iam/rolePolicy:RolePolicy", "agent-gateway-launch")["policy"])["Statement"]
    calls = {"RunTask": DEFINITION, "ListTasks": "*", "DescribeTasks": TASK, "StopTask": TASK}
    for call, resource in calls.items():
        assert is_allowed(statements, f"ecs:{call}", resource, ecs__cluster=CLUSTER), call
    other = CLUSTER.replace("agent-prod", "other")
    assert not is_allowed(statements, "ecs:ListTasks", "*", ecs__cluster=other)
    assert not is_allowed(statements, "ecs:StopTask", TASK.replace("agent-prod", "other"), ecs__cluster=other)
