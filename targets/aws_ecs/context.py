"""The build's context, and policy documents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeAlias

import pulumi

from unmoor.target.component import BuildContext

from .settings import EcsSettings

Context: TypeAlias = BuildContext[EcsSettings]


def policy_statement(
    actions: Sequence[str], resources: Sequence[Any], condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    """One statement of a policy; resources may be outputs."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": sorted(actions), "Resource": list(resources)}
    return {**statement, "Condition": condition} if condition else statement


def policy(statements: Sequence[dict[str, Any]]) -> pulumi.Output[str]:
    """A policy document as JSON, in a stable order."""
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return pulumi.Output.json_dumps(document, sort_keys=True)


def assume_role_policy(service: str) -> str:
    """The policy that lets a service assume a role."""
    return json.dumps(_assume_role(service), sort_keys=True)


def assume_role_policy_in_account(service: str, arn: pulumi.Input[str]) -> pulumi.Output[str]:
    """The same, only on behalf of the account of that resource, so that nobody else's task or schedule has the role:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    account = pulumi.Output.from_input(arn).apply(lambda text: text.split(":")[4])
    condition = {"StringEquals": {"aws:SourceAccount": account}}
    return pulumi.Output.json_dumps(_assume_role(service, condition), sort_keys=True)


def _assume_role(service: str, condition: dict[str, Any] | None = None) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": f"{service}.amazonaws.com"}}
    limited = {**statement, "Condition": condition} if condition else statement
    return {"Version": "2012-10-17", "Statement": [limited]}
