"""AWS authorizes every call of the provider: it refuses what a policy document does not allow.

The calls of each verb are those of targets/aws_ecs/provider_calls.json, which names its sources. What AWS authorizes
a call on: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloud import fake_outputs
from iam import is_allowed
from rules import Refused, Rule

from unmoor.targets.aws_ecs.deployer import LINKED

CALLS = json.loads(
    (Path(__file__).resolve().parents[2] / "targets" / "aws_ecs" / "provider_calls.json").read_text(encoding="utf-8")
)
ACCOUNT, REGION = "123456789012", "eu-west-1"
GLOBAL = ("iam:", "route53:", "sts:")
# Services whose actions AWS authorizes on all resources, or whose resources have ids that nobody chooses.
UNNAMED = ("acm:", "apigateway:", "application-autoscaling:", "ec2:", "elasticloadbalancing:", "servicediscovery:")
# The input that names what a type without an ARN of its own belongs to.
OWNED_BY = {
    "ecr/lifecyclePolicy:LifecyclePolicy": ("repository", "arn:aws:ecr:{region}:{account}:repository/{0}"),
    "iam/rolePolicy:RolePolicy": ("role", "arn:aws:iam::{account}:role/{0}"),
    "secretsmanager/secretVersion:SecretVersion": ("secretId", "{0}"),
}
ON_EVERYTHING = {
    "cloudwatch:DescribeAlarms",
    "ecr:GetAuthorizationToken",
    "ecs:CreateCluster",
    "ecs:DeregisterTaskDefinition",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTagsForResource",
    "ecs:ListTasks",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:PutResourcePolicy",
}
OBJECTS = ("s3:DeleteObject", "s3:GetObject", "s3:PutObject")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call as IAM sees it."""

    action: str
    resource: str
    context: Mapping[str, str]


def only_allows(document: Mapping[str, Any]) -> Rule:
    """A rule that refuses each call that the policy document does not allow, in AWS' words."""

    def rule(verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Any) -> None:
        for call in _calls(verb, type_, inputs):
            if not is_allowed(document["Statement"], call.action, call.resource, **call.context):
                who = "User: arn:aws:iam::123456789012:user/deployer is not authorized to perform"
                raise Refused(f"{who}: {call.action} on resource: {call.resource}")

    return rule


def _calls(verb: str, type_: str, inputs: Mapping[str, Any]) -> Iterator[Call]:
    kind = type_.removeprefix("aws:")
    if verb == "configure" and type_ == "pulumi:providers:aws":
        yield _call("sts:GetCallerIdentity", "*")
    elif verb == "invoke" and type_.startswith("aws:"):
        yield from (_call(action, "*") for action in CALLS["by_invoke"][kind])
    elif type_ == "docker-build:index:Image" and verb in ("create", "update"):
        repository = str(inputs["tags"][0]).split("/", 1)[1].split(":")[0]
        resource = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{repository}"
        yield from (_call(action, resource) for action in CALLS["pushing"])
    elif type_.startswith("aws:") and verb in ("create", "read", "update", "delete"):
        yield from _of_resource(verb, kind, inputs)


def _of_resource(verb: str, kind: str, inputs: Mapping[str, Any]) -> Iterator[Call]:
    """The calls of a verb; the provider reads what it has created or updated, and waits for what it deletes."""
    by_verb = CALLS["by_type"][kind]
    for action in {*by_verb.get(verb, ()), *by_verb.get("read", ())}:
        if action == "iam:PassRole":
            service = "scheduler" if kind.startswith("scheduler/") else "ecs-tasks"
            passed = {"iam:PassedToService": f"{service}.amazonaws.com"}
            yield from (_call(action, role, passed) for role in _roles(inputs))
        else:
            yield _call(action, _resource(action, kind, inputs), _context(action, inputs))
    if verb == "create" and kind in LINKED:
        role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{LINKED[kind]}/AWSServiceRole"
        yield _call("iam:CreateServiceLinkedRole", role, {"iam:AWSServiceName": LINKED[kind]})


def _call(action: str, resource: str, context: Mapping[str, str] | None = None) -> Call:
    region = "us-east-1" if action.startswith(GLOBAL) else REGION
    return Call(action=action, resource=resource, context={"aws:RequestedRegion": region, **(context or {})})


def _roles(inputs: Mapping[str, Any]) -> list[str]:
    found = [inputs.get("executionRoleArn"), inputs.get("taskRoleArn"), inputs.get("target", {}).get("roleArn")]
    return [str(role) for role in found if role]


def _resource(action: str, kind: str, inputs: Mapping[str, Any]) -> str:
    """The ARN that the call is authorized on."""
    if action in ON_EVERYTHING or action.startswith(UNNAMED) or action.endswith("LogDelivery"):
        return "*"
    if action.endswith("LogDeliveries") or (action.startswith("route53:") and not kind.startswith("route53/")):
        return "*"
    if action.startswith("cloudwatch:"):
        return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:TargetTracking-{inputs['resourceId']}-AlarmHigh-4f"
    if action == "ecs:DescribeServiceDeployments":
        return _own_arn(kind, inputs).replace(":service/", ":service-deployment/") + "/Zk9bq"
    if kind.startswith("s3/") and kind != "s3/bucket:Bucket":
        bucket = f"arn:aws:s3:::{inputs['bucket']}"
        return f"{bucket}/{inputs.get('key', 'key')}" if action.startswith(OBJECTS) else bucket
    if action.startswith(OBJECTS):
        return f"{_own_arn(kind, inputs)}/key"
    return _own_arn(kind, inputs)


def _context(action: str, inputs: Mapping[str, Any]) -> Mapping[str, str]:
    return {"ecs:cluster": str(inputs.get("cluster", ""))} if action.startswith("ecs:") else {}


def _own_arn(kind: str, inputs: Mapping[str, Any]) -> str:
    if kind in OWNED_BY:
        key, arn = OWNED_BY[kind]
        return arn.format(inputs[key], region=REGION, account=ACCOUNT)
    if kind == "route53/record:Record":
        return f"arn:aws:route53:::hostedzone/{inputs['zoneId']}"
    return str(fake_outputs(f"aws:{kind}", "thing", inputs)[1]["arn"])
