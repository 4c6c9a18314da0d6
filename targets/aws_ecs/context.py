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
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": f"{service}.amazonaws.com"}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, sort_keys=True)
