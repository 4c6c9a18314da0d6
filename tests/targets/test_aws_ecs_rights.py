"""The rights of the agent's own roles suffice for the calls that it makes, as ECS authorizes them."""

from __future__ import annotations

import json

import pytest
from cases import graph_of, one, plan_of
from iam import is_allowed

from unmoor.recording.access_rules import access_breaches
from unmoor.target.registry import load

TARGET = load("aws-ecs")
CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/agent-prod"
TASK = CLUSTER.replace(":cluster/", ":task/") + "/0123"
DEFINITION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/agent-prod-run:7"


def test_the_gateway_may_start_list_describe_and_stop_runs_in_its_cluster_alone() -> None:
    graph = graph_of("aws-ecs", plan_of(), TARGET.settings(region="eu-west-1"))
    statements = json.loads(one(graph, "aws:iam/rolePolicy:RolePolicy", "agent-gateway-launch")["policy"])["Statement"]
    calls = {"RunTask": DEFINITION, "ListTasks": "*", "DescribeTasks": TASK, "StopTask": TASK}
    for call, resource in calls.items():
        assert is_allowed(statements, f"ecs:{call}", resource, ecs__cluster=CLUSTER), call
    other = CLUSTER.replace("agent-prod", "other")
    assert not is_allowed(statements, "ecs:ListTasks", "*", ecs__cluster=other)
    assert not is_allowed(statements, "ecs:StopTask", TASK.replace("agent-prod", "other"), ecs__cluster=other)


def test_one_key_of_a_json_secret_under_the_users_key_is_injected_and_may_be_decrypted() -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shared-AbCdEf"
    key = "arn:aws:kms:eu-west-1:123456789012:key/0a1b"
    settings = TARGET.settings(region="eu-west-1", secrets={"model-key": f"{arn}:anthropic::"}, secret_keys=[key])
    plan = plan_of(secrets={"model-key": {"existing": True}, "repo-token": {"env": "B"}, "hook-secret": {"env": "C"}})
    assert TARGET.check(plan, settings) == []
    graph = graph_of("aws-ecs", plan, settings)
    [held] = json.loads(one(graph, "aws:ecs/taskDefinition:TaskDefinition", "agent-run")["containerDefinitions"])[0][
        "secrets"
    ]
    assert held["valueFrom"] == f"{arn}:anthropic::"
    start = json.loads(one(graph, "aws:iam/rolePolicy:RolePolicy", "agent-run-execution")["policy"])["Statement"]
    via = {"kms__ViaService": "secretsmanager.eu-west-1.amazonaws.com"}
    assert is_allowed(start, "secretsmanager:GetSecretValue", arn)
    assert is_allowed(start, "kms:Decrypt", key, **via)
    assert not is_allowed(start, "kms:Decrypt", key, kms__ViaService="s3.eu-west-1.amazonaws.com")
    others = json.loads(one(graph, "aws:iam/rolePolicy:RolePolicy", "agent-gateway-execution")["policy"])["Statement"]
    assert not is_allowed(others, "kms:Decrypt", key, **via)
    assert access_breaches(plan, TARGET.access(plan, graph)) == []


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
def test_arns_of_china_and_govcloud_are_in_their_partitions(region: str, partition: str) -> None:
    settings = TARGET.settings(region=region)
    document = TARGET.deployer_policy(plan_of(), settings, graph_of("aws-ecs", plan_of(), settings))
    resources = {r for s in document["Statement"] for r in s["Resource"]} - {"*"}
    assert {r.split(":")[1] for r in resources} == {partition}


def test_the_fronts_logs_are_under_the_prefix_that_needs_no_resource_policy() -> None:
    graph = graph_of("aws-ecs", plan_of(), TARGET.settings(region="eu-west-1"))
    names = {r.name: r.inputs["name"] for r in graph if r.type == "aws:cloudwatch/logGroup:LogGroup"}
    assert names["agent-front"] == "/aws/vendedlogs/unmoor/agent-prod/front"
    assert names["agent-run"] == "/unmoor/agent-prod/run"
