"""The IAM policy of the deploying user: the actions for the graph's types, restricted to the agent's names.

provider_calls.json lists the actions that pulumi-aws calls to create, read, update and delete each type and to look
data up, with their sources. deployer.json lists the actions whose resources cannot be restricted by name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from unmoor.graph import Resource
from unmoor.plan import Plan

from .names import log_group, name, partition
from .settings import EcsSettings


def _read_json(file: str) -> dict[str, Any]:
    return json.loads((files("unmoor.targets.aws_ecs") / file).read_text(encoding="utf-8"))


_CALLS, _SCOPES = _read_json("provider_calls.json"), _read_json("deployer.json")
# By type without its package, and by data source: the actions.
ACTIONS: Mapping[str, Sequence[str]] = {
    type_: sorted({action for actions in by_verb.values() for action in actions})
    for type_, by_verb in _CALLS["by_type"].items()
}
LOOKUPS: Mapping[str, Sequence[str]] = _CALLS["by_invoke"]
# The data source that the target reads to create a type.
LOOKED_UP_FOR = {"ec2/subnet:Subnet": "index/getAvailabilityZones:getAvailabilityZones"}
PUSHES: Sequence[str] = _CALLS["pushing"]
# `verify` reports why a task stopped.
VERIFIES: Sequence[str] = _CALLS["verifying"]
# `doctor` reads quotas, an action that AWS allows only on all resources:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_servicequotas.html
DIAGNOSES: Sequence[str] = _CALLS["diagnosing"]
# Network resources are tagged on creation.
TAGGED_BY_EC2 = ("ec2:CreateTags", "ec2:DeleteTags", "ec2:DescribeTags")
# A wait for a service reads its deployments.
ECS_KINDS = ("cluster", "service", "service-deployment", "task", "task-definition")
# Without a container instance, which Fargate does not have, ECS authorizes this action on `*`:
# https://github.com/cdklabs/construct-hub/issues/1207
LISTS_TASKS = "ecs:ListTasks"
# Roles that AWS creates when an account first uses a service:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
LINKED = {
    "ecs/cluster:Cluster": "ecs.amazonaws.com",
    "appautoscaling/target:Target": "ecs.application-autoscaling.amazonaws.com",
    "apigatewayv2/vpcLink:VpcLink": "ops.apigateway.amazonaws.com",
    "lb/loadBalancer:LoadBalancer": "elasticloadbalancing.amazonaws.com",
}
# The services that the agent's roles may be passed to.
PASSED_TO = ["ecs-tasks.amazonaws.com", "scheduler.amazonaws.com"]
# Actions that AWS allows only on all resources, or whose resources have no chosen name, are not restricted: all of
# these services, and single actions.
UNNAMED: tuple[str, ...] = tuple(_SCOPES["unnamed"])
UNSCOPED: frozenset[str] = frozenset(_SCOPES["unscoped"])


def deployer_policy(plan: Plan, settings: EcsSettings, resources: Iterable[Resource]) -> Mapping[str, Any]:
    """The IAM policy document that deploys this agent and no other."""
    types = sorted({r.type.removeprefix("aws:") for r in resources if r.type.startswith("aws:")})
    builds = any(r.type.startswith("docker-build:") for r in resources)
    actions = {"sts:GetCallerIdentity", *VERIFIES, *DIAGNOSES, *(a for type_ in types for a in ACTIONS[type_])}
    actions |= {action for type_ in types if type_ in LOOKED_UP_FOR for action in LOOKUPS[LOOKED_UP_FOR[type_]]}
    if any(type_.startswith(("ec2/", "vpc/")) for type_ in types):
        actions |= set(TAGGED_BY_EC2)
    if builds:
        actions |= {*LOOKUPS["ecr/getAuthorizationToken:getAuthorizationToken"], *PUSHES}
    return {"Version": "2012-10-17", "Statement": list(_statements(plan, settings, actions, types))}


def _statements(plan: Plan, settings: EcsSettings, actions: set[str], types: Sequence[str]) -> Iterator[dict[str, Any]]:
    """One statement for each scope: actions without a name first, then each service by the agent's names."""
    here = {"StringEquals": {"aws:RequestedRegion": settings.region}}
    everywhere = {a for a in actions if a.startswith(("route53:", "sts:", "iam:"))}
    unnamed = {a for a in actions if a.startswith(UNNAMED) or a in UNSCOPED} - everywhere
    yield _allow("Region", unnamed, ["*"], here)
    yield _allow("Anywhere", {a for a in everywhere if not a.startswith("iam:")}, ["*"])
    scopes = _scopes(plan, settings)
    for service, scope in scopes.items():
        mine = {a for a in actions if a.startswith(f"{service}:") and a not in unnamed} - {"iam:PassRole", LISTS_TASKS}
        if mine:
            yield _allow(f"Own{service.title()}", mine, scope)
    arn = f"arn:{partition(settings.region)}"
    clusters = f"{arn}:ecs:{settings.region}:*:cluster/{name(plan, '')}*"
    yield _allow("ListTasks", {LISTS_TASKS}, ["*"], {"ArnLike": {"ecs:cluster": clusters}})
    if "iam:PassRole" in actions:
        yield _allow("Pass", {"iam:PassRole"}, scopes["iam"], {"StringEquals": {"iam:PassedToService": PASSED_TO}})
    if linked := sorted({LINKED[t] for t in types if t in LINKED}):
        condition = {"StringEquals": {"iam:AWSServiceName": linked}}
        scope = f"{arn}:iam::*:role/aws-service-role/*"
        yield _allow("ServiceLinked", {"iam:CreateServiceLinkedRole"}, [scope], condition)


def _scopes(plan: Plan, settings: EcsSettings) -> dict[str, list[str]]:
    """By service, the ARNs with the agent's name:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
    """
    own, region, arn = name(plan, ""), settings.region, f"arn:{partition(settings.region)}"
    logs = [f"{arn}:logs:{region}:*:log-group:{log_group(plan, role)}*" for role in ("", "front")]
    return {
        # The alarms of target tracking, which are named after the service:
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/auto-scaling-IAM.html
        "cloudwatch": [f"{arn}:cloudwatch:{region}:*:alarm:TargetTracking-service/{own}*"],
        "ecr": [f"{arn}:ecr:{region}:*:repository/{own}*"],
        "ecs": [f"{arn}:ecs:{region}:*:{kind}/{own}*" for kind in ECS_KINDS],
        "iam": [f"{arn}:iam::*:role/{own}*"],
        "logs": logs,
        "s3": [f"{arn}:s3:::{own}*"],
        "scheduler": [f"{arn}:scheduler:{region}:*:{kind}/{own}*" for kind in ("schedule", "schedule-group")],
        "secretsmanager": [f"{arn}:secretsmanager:{region}:*:secret:unmoor/{own}/*"],
        "sqs": [f"{arn}:sqs:{region}:*:{own}*"],
    }


def _allow(
    sid: str, actions: Iterable[str], resources: list[str], condition: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": resources}
    return {**statement, "Condition": condition} if condition else statement
