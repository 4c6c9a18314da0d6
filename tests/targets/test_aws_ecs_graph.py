"""What the graph on ECS sends, where a cloud's default would lose requests or fail."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from cases import graph_of, one, plan_of

from unmoor.recording.of_target import record_target
from unmoor.runtime.state.retention import PREFIXES
from unmoor.target.registry import load

TARGET = load("aws-ecs")
NIGHTLY = [{"name": "nightly", "schedule": {"cron": "0 3 * * *"}, "prompt": "report"}]


def graph(**settings: object):
    return graph_of("aws-ecs", plan_of(), TARGET.settings.model_validate({"region": "eu-west-1", **settings}))


def test_cloud_map_returns_healthy_tasks_only() -> None:
    """Without a custom health check it returns all: https://github.com/anomalyco/sst/issues/5915. The provider drops an
    empty block: https://github.com/hashicorp/terraform-provider-aws/issues/44285
    """
    service = one(graph(), "aws:servicediscovery/service:Service", "agent-gateway")
    assert service["healthCheckCustomConfig"] == {"failureThreshold": 1}


def test_a_refresh_with_an_expired_registry_password_keeps_the_image() -> None:
    """0.0.21 is the first that does: https://github.com/pulumi/pulumi-docker-build/pull/930"""
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())["project"]
    needed = [n for extra in project["optional-dependencies"].values() for n in extra if "docker-build" in n]
    assert set(needed) == {"pulumi-docker-build>=0.0.21"}


def test_nothing_that_grows_with_runs_or_firings_stays_for_ever() -> None:
    rules = one(graph(), "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "agent-store")["rules"]
    days = {r["filter"]["prefix"]: r["expiration"].get("days") for r in rules}
    assert {prefix for prefix in days if prefix} == set(PREFIXES)  # what the gateway itself would delete in a folder
    assert days["queue/fired/"] == 2  # each look at the queue lists these
    assert [r["expiration"] for r in rules if not r["filter"]["prefix"]] == [{"expiredObjectDeleteMarker": True}]


@pytest.mark.parametrize("front", ["http-api", "alb"])
def test_without_a_zone_the_outputs_name_what_the_users_record_must_point_to(front: str) -> None:
    certificate = "arn:aws:acm:eu-west-1:123456789012:certificate/0a1b"
    settings = TARGET.settings.model_validate({"region": "eu-west-1", "front": front, "certificate": certificate})
    outputs = record_target(TARGET, plan_of(network={"domain": "agent.example.com"}), settings).outputs
    ends = {"http-api": ".execute-api.eu-west-1.amazonaws.com", "alb": ".eu-west-1.elb.amazonaws.com"}
    assert str(outputs["dns_target"]).endswith(ends[front])
    zoned = settings.model_copy(update={"hosted_zone_id": "Z123"})
    assert (
        record_target(TARGET, plan_of(network={"domain": "agent.example.com"}), zoned).outputs.get("dns_target") is None
    )


def test_agents_may_share_a_vpc_link() -> None:
    network = {"vpc": "vpc-0123456789abcdef0", "subnets": ["subnet-01234567", "subnet-11234567"]}
    shared = graph(**network, vpc_link_id="ab12cd", vpc_link_security_group="sg-0123456789abcdef0")
    assert [r for r in shared if r.type == "aws:apigatewayv2/vpcLink:VpcLink"] == []
    assert one(shared, "aws:apigatewayv2/integration:Integration", "agent-gateway")["connectionId"] == "ab12cd"
    rule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    assert one(shared, rule, "agent-gateway-front")["referencedSecurityGroupId"] == "sg-0123456789abcdef0"
    assert not [r for r in shared if r.type in ("aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet")]


def test_a_task_starts_after_its_routes_and_rules_and_ends_before_them() -> None:
    resources = graph_of("aws-ecs", plan_of(triggers=NIGHTLY), TARGET.settings.model_validate({"region": "eu-west-1"}))
    needed = {
        (r.type, r.name)
        for r in resources
        if r.type.startswith(("aws:ec2", "aws:vpc"))
        and r.type.endswith((":Route", ":RouteTableAssociation", ":VpcEndpoint", "EgressRule", "IngressRule"))
    }
    for type_, name in (
        ("aws:ecs/service:Service", "gateway"),
        ("aws:scheduler/schedule:Schedule", "schedule-nightly"),
    ):
        [user] = [r for r in resources if r.type == type_ and r.name == f"agent-{name}"]
        assert len(needed) == 8
        assert needed <= set(user.depends_on)


def test_a_role_is_assumed_for_this_account_only() -> None:
    resources = graph_of("aws-ecs", plan_of(triggers=NIGHTLY), TARGET.settings.model_validate({"region": "eu-west-1"}))
    trusts = {
        r.name.removeprefix("agent-"): json.loads(r.inputs["assumeRolePolicy"])["Statement"][0].get("Condition")
        for r in resources
        if r.type == "aws:iam/role:Role"
    }
    here = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
    assert {role for role, condition in trusts.items() if condition == here} == {"gateway", "run", "schedules"}
    assert {role for role, condition in trusts.items() if condition is None} == {"gateway-execution", "run-execution"}


@pytest.mark.parametrize(
    ("settings", "public"),
    [
        ({}, True),
        ({"front_subnets": ["subnet-21234567", "subnet-31234567"]}, False),
        ({"front_subnets": ["subnet-21234567", "subnet-31234567"], "assign_public_ip": True}, True),
        ({"assign_public_ip": False}, False),
    ],
)
def test_tasks_in_private_subnets_have_no_address_that_is_paid_for(settings: dict[str, object], public: bool) -> None:
    network = {"vpc": "vpc-0123456789abcdef0", "subnets": ["subnet-01234567", "subnet-11234567"]}
    service = one(graph(**network, **settings), "aws:ecs/service:Service", "agent-gateway")
    assert service["networkConfiguration"]["assignPublicIp"] is public
