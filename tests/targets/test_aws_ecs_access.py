"""Violations planted into a recorded graph, and caught."""

from __future__ import annotations

import json

import pytest
from cases import changed, graph_of, one, plan_of

from unmoor.recording.access_rules import access_breaches
from unmoor.target.registry import load

pytestmark = pytest.mark.slow

TARGET = load("aws-ecs")
PLAN = plan_of()
POLICY, TASK = "aws:iam/rolePolicy:RolePolicy", "aws:ecs/taskDefinition:TaskDefinition"


@pytest.fixture(scope="module")
def graph():
    return graph_of("aws-ecs", PLAN, TARGET.settings(region="eu-west-1"))


def breaches(graph) -> list[str]:
    return access_breaches(PLAN, TARGET.access(PLAN, graph))


def with_statement(graph, name: str, actions: list[str], resource: str):
    document = json.loads(one(graph, POLICY, name)["policy"])
    document["Statement"].append({"Effect": "Allow", "Action": actions, "Resource": [resource]})
    return changed(graph, POLICY, name, policy=json.dumps(document))


def test_the_graph_as_it_is_breaches_nothing(graph) -> None:
    assert breaches(graph) == []


def test_the_model_key_in_the_runs_container_is_caught(graph) -> None:
    containers = json.loads(one(graph, TASK, "agent-run")["containerDefinitions"])
    guard, run = containers
    run["secrets"] += guard["secrets"]
    text = json.dumps(containers)
    assert "run can read model-key, which it does not hold" in breaches(
        changed(graph, TASK, "agent-run", containerDefinitions=text)
    )


def test_a_task_role_that_reads_the_model_key_is_caught(graph) -> None:
    [secret] = json.loads(one(graph, TASK, "agent-run")["containerDefinitions"])[0]["secrets"]
    arn = secret["valueFrom"].split(":::")[0]
    planted = with_statement(graph, "agent-run", ["secretsmanager:GetSecretValue"], arn)
    assert "code in run can obtain the model key model-key" in breaches(planted)


def test_a_task_role_with_a_wildcard_is_caught(graph) -> None:
    found = breaches(with_statement(graph, "agent-gateway", ["s3:*"], "*"))
    assert "gateway may write the whole store" in found
    assert any(b.startswith("agent-gateway: s3:* on *") for b in found)


def test_a_run_that_may_write_deliveries_is_caught(graph) -> None:
    planted = with_statement(graph, "agent-run", ["s3:PutObject"], "arn:aws:s3:::bucket/deliveries/*")
    assert "run may write deliveries/" in breaches(planted)


def test_a_run_that_may_start_runs_is_caught(graph) -> None:
    family = "arn:aws:ecs:eu-west-1:123456789012:task-definition/agent-prod-run:*"
    assert "run may start run" in breaches(with_statement(graph, "agent-run", ["ecs:RunTask"], family))


def test_a_gateway_that_may_start_anything_is_caught(graph) -> None:
    assert "gateway may start anything" in breaches(with_statement(graph, "agent-gateway", ["ecs:RunTask"], "*"))


def test_a_group_that_is_open_to_the_world_is_caught(graph) -> None:
    rule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    planted = changed(graph, rule, "agent-gateway-front", cidrIpv4="0.0.0.0/0")
    assert "agent-gateway-front listens on public port 8080 without TLS" in breaches(planted)


def test_a_bucket_that_is_open_to_the_world_is_caught(graph) -> None:
    block = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    assert "anyone may read the whole store" in breaches(changed(graph, block, "agent-store", blockPublicAcls=False))
