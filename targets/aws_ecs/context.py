"""What every concept of the target is built with, and the small things that all of them need."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from unmoor.plan import Plan
from unmoor.plan.physical_names import tags
from unmoor.target import BuildOptions

from .settings import EcsSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One build: the component's name, what is built, and the options of its children.

    `child` carries the AWS provider; `bare` is for resources of other packages; `kept` is for what holds data.
    """

    name: str
    plan: Plan
    settings: EcsSettings
    options: BuildOptions
    child: pulumi.ResourceOptions
    bare: pulumi.ResourceOptions
    kept: pulumi.ResourceOptions

    def logical(self, role: str) -> str:
        """The logical name of a resource."""
        return f"{self.name}-{role}"

    @property
    def tags(self) -> dict[str, str]:
        return tags(self.plan)

    def after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        """The options of a child that is made after these, and deleted before them."""
        return pulumi.ResourceOptions.merge(self.child, pulumi.ResourceOptions(depends_on=list(resources)))


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
    """The document by which a service may take a role on."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": f"{service}.amazonaws.com"}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, sort_keys=True)
