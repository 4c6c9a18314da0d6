"""AWS' rules for names, and the names that must be known before a resource is there."""

from __future__ import annotations

from unmoor.names import NameRule, physical_name
from unmoor.plan import Plan, Secret

ECS = NameRule(longest=255, source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html")
ROLE = NameRule(longest=64, source="https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html")
SCHEDULE = NameRule(
    longest=64, source="https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html"
)
QUEUE = NameRule(
    longest=80, source="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"
)
REPOSITORY = NameRule(
    longest=256, source="https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html"
)
BALANCER = NameRule(
    longest=32,
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html",
)
API = NameRule(longest=128, source="https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis.html")
GROUP = NameRule(
    longest=255, source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html"
)
NAMESPACE = NameRule(
    longest=200, source="https://docs.aws.amazon.com/cloud-map/latest/api/API_CreatePrivateDnsNamespace.html"
)


def name(plan: Plan, role: str, rule: NameRule = ECS) -> str:
    """The physical name of one role of the agent."""
    return physical_name(plan, role, rule)


def log_group(plan: Plan, role: str) -> str:
    """The log group of a container, all of an agent's under one prefix."""
    return f"/unmoor/{name(plan, '')}/{role}"


def secret_name(plan: Plan, secret: Secret) -> str:
    """A secret's name; it ends in a word of its own, since one that ends in - and six characters looks like an ARN's end.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
    """
    return f"unmoor/{name(plan, '')}/{secret.name}/value"
