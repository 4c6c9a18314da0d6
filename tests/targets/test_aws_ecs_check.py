"""Every refusal of ECS, word for word."""

from __future__ import annotations

from typing import Any

import pytest
from cases import plan_of

from unmoor.target.registry import load

TARGET = load("aws-ecs")
FRONT = (
    "targets.aws-ecs.front: an ALB has no certificate without a domain; set network.domain, or leave front: http-api"
)
DOMAIN = (
    "network.domain: there is no certificate for a.example.com; set targets.aws-ecs.hosted_zone_id to its Route 53 "
    "zone, or targets.aws-ecs.certificate to an issued one"
)
OR = (
    "triggers[night].schedule.cron: EventBridge Scheduler cannot combine a day of the month with a day of the week; "
    "write two triggers, one with each"
)
SIZE = "Fargate has no size for 32 vCPU and 2560Mi including sidecars; request at most 16 and 119Gi"
VPC = {"vpc": "vpc-0123456789abcdef0"}
REFUSALS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (
        {"triggers": [{"name": "a", "prompt": "p", "schedule": {"cron": "0 3 * * *", "missed": "run_once"}}]},
        {},
        "triggers[a].schedule.missed: only the gateway's scheduler supports run_once, and EventBridge Scheduler fires this schedule; remove it, or choose vm-docker or run.isolation: process",
    ),
    (
        {},
        {"certificate": "arn:aws:acm:eu-west-1:123456789012:certificate/0a"},
        "targets.aws-ecs.certificate: certificate requires network.domain, which is not set; set network.domain or remove it",
    ),
    (
        {},
        {
            **VPC,
            "subnets": ["subnet-01234567", "subnet-11234567"],
            "front_subnets": ["subnet-21234567", "subnet-31234567"],
        },
        "targets.aws-ecs.front_subnets: front_subnets are for an ALB; remove them, or set front: alb",
    ),
    (
        {},
        {
            **VPC,
            "subnets": ["subnet-01234567", "subnet-11234567"],
            "front_subnets": ["subnet-21234567"],
            "front": "alb",
        },
        "targets.aws-ecs.front_subnets: an ALB needs subnets in two zones; add a subnet",
    ),
    ({"resources": {"cpu": 32}}, {}, f"resources: {SIZE}"),
    (
        {"image": "localhost:5000/agent:1"},
        {},
        "image: Fargate cannot pull 'localhost:5000/agent:1' from this machine; push it to a registry, or write {build: ./folder}",
    ),
    (
        {"gateway": {"cpu": 32}},
        {},
        "gateway: Fargate has no size for 32 vCPU and 512Mi including sidecars; request at most 16 and 119Gi",
    ),
    (
        {"resources": {"disk": "300Gi"}},
        {},
        "resources.disk: 300Gi is over Fargate's 200Gi; lower it, or choose vm-docker",
    ),
    ({"retention": {"logs": "4000d"}}, {}, "retention.logs: 4000d is over CloudWatch's 3653d; lower it"),
    ({}, {"front": "alb"}, FRONT),
    ({"network": {"domain": "a.example.com"}}, {}, DOMAIN),
    (
        {},
        {"hosted_zone_id": "Z123"},
        "targets.aws-ecs.hosted_zone_id: hosted_zone_id requires network.domain, which is not set; set network.domain or remove it",
    ),
    (
        {},
        {**VPC, "subnets": ["subnet-01234567"]},
        "targets.aws-ecs.subnets: vpc-0123456789abcdef0 needs at least two subnets, not 1; add subnets in different zones",
    ),
    (
        {},
        {"subnets": ["subnet-01234567"]},
        "targets.aws-ecs.subnets: subnets require their VPC; add targets.aws-ecs.vpc",
    ),
    (
        {},
        {**VPC, "subnets": ["subnet-01234567", "subnet-11234567"], "zones": ["euw1-az1", "euw1-az2"]},
        "targets.aws-ecs.zones: zones are for a new VPC; remove them, or remove vpc and subnets",
    ),
    (
        {},
        {"vpc_link_id": "ab12cd", "vpc_link_security_group": "sg-01234567"},
        "targets.aws-ecs.vpc_link_id: an existing VPC link is in an existing VPC; set targets.aws-ecs.vpc and subnets",
    ),
    (
        {},
        {**VPC, "subnets": ["subnet-01234567", "subnet-11234567"], "vpc_link_id": "ab12cd"},
        "targets.aws-ecs.vpc_link_security_group: an existing VPC link needs its id and its security group; set vpc_link_security_group",
    ),
    (
        {"network": {"domain": "a.example.com"}},
        {
            **VPC,
            "subnets": ["subnet-01234567", "subnet-11234567"],
            "vpc_link_id": "ab12cd",
            "vpc_link_security_group": "sg-01234567",
            "front": "alb",
        },
        "targets.aws-ecs.vpc_link_id: an ALB uses no VPC link; remove it, or set front: http-api",
    ),
    (
        {},
        {"zones": ["euw1-az1", "euw1-az1"]},
        "targets.aws-ecs.zones: a new VPC has a subnet in each of two zones; name two different zones",
    ),
    (
        {},
        {"region": "us-east-1", "zones": ["use1-az1", "use1-az3"]},
        "targets.aws-ecs.zones: API Gateway or Fargate does not serve in use1-az3; choose another zone",
    ),
    (
        {},
        {"assign_public_ip": False},
        "targets.aws-ecs.assign_public_ip: the new VPC has public subnets and no NAT, so tasks would have no egress; leave it true, or set vpc and subnets",
    ),
    (
        {"secrets": {"model-key": {"existing": True}, "repo-token": {"env": "B"}, "hook-secret": {"env": "C"}}},
        {},
        "secrets.model-key: its location on aws-ecs is missing; set targets.aws-ecs.secrets.model-key to its Secrets Manager ARN",
    ),
    (
        {"secrets": {"model-key": {"existing": True}, "repo-token": {"env": "B"}, "hook-secret": {"env": "C"}}},
        {"secrets": {"model-key": "key"}},
        "targets.aws-ecs.secrets.model-key: 'key' is not valid; write the whole ARN, including the six characters at its end; :KEY:: after it takes one key of a JSON secret",
    ),
    (
        {},
        {"secret_keys": ["arn:aws:kms:eu-west-1:123456789012:key/0a"]},
        "targets.aws-ecs.secret_keys: no existing secret is encrypted under these keys; remove them, or write existing: true for a secret",
    ),
    (
        {},
        {"secrets": {"other": "x"}},
        "targets.aws-ecs.secrets.other: there is no existing secret of this name; remove it, or write existing: true",
    ),
]


@pytest.mark.parametrize(("spec", "settings", "expected"), REFUSALS, ids=[e[:60] for _, _, e in REFUSALS])
def test_what_cannot_be_honoured_is_refused(spec: dict[str, Any], settings: dict[str, Any], expected: str) -> None:
    found = TARGET.check(plan_of(**spec), TARGET.settings.model_validate({"region": "eu-west-1", **settings}))
    assert expected in [str(p) for p in found]


def test_a_day_of_the_month_or_of_the_week_is_refused() -> None:
    plan = plan_of(triggers=[{"name": "night", "schedule": {"cron": "0 0 1 * 5"}, "prompt": "p"}])
    assert OR in [str(p) for p in TARGET.check(plan, TARGET.settings(region="eu-west-1"))]


def test_a_usual_plan_is_accepted() -> None:
    assert TARGET.check(plan_of(), TARGET.settings(region="eu-west-1")) == []
