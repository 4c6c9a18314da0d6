"""What every concept of the target is built with, and the small things that all of them need."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import pulumi

from unmoor.plan import Plan
from unmoor.plan.physical_names import NameRule, tags
from unmoor.target import BuildOptions

from .names import before_digits
from .settings import ContainerAppsSettings

# Ids of grants are made of this and of the stack's own digits.
GRANTS = uuid.UUID("5f0f7b4e-6b7a-5d2e-9d0c-3f8c1f6f2a61")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One build: the component's name, what is built, where, and the options of its children.

    `child` carries the Azure provider; `bare` is for resources of other packages; `kept` is for what holds data.
    `digits` are the eight that make names unique in the world.
    """

    name: str
    plan: Plan
    settings: ContainerAppsSettings
    options: BuildOptions
    subscription: pulumi.Input[str]
    tenant: pulumi.Input[str]
    group: pulumi.Input[str]
    digits: pulumi.Output[str]
    child: pulumi.ResourceOptions
    bare: pulumi.ResourceOptions
    kept: pulumi.ResourceOptions

    def logical(self, role: str) -> str:
        """The logical name of a resource."""
        return f"{self.name}-{role}"

    @property
    def tags(self) -> dict[str, str]:
        return tags(self.plan)

    @property
    def group_id(self) -> pulumi.Output[str]:
        """The id of the resource group."""
        return pulumi.Output.concat("/subscriptions/", self.subscription, "/resourceGroups/", self.group)

    def after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        """The options of a child that is made after these, and deleted before them."""
        return pulumi.ResourceOptions.merge(self.child, pulumi.ResourceOptions(depends_on=list(resources)))

    def unique_name(self, rule: NameRule) -> pulumi.Output[str]:
        """A name that nobody else in the world has."""
        return pulumi.Output.concat(before_digits(self.plan, rule), self.digits)

    def stable_id(self, role: str) -> pulumi.Output[str]:
        """A GUID that is the same in every deployment of this stack, and another in every other stack."""
        path = f"{self.plan.agent}/{self.plan.environment}/{role}"
        return self.digits.apply(lambda digits: str(uuid.uuid5(GRANTS, f"{digits}/{path}")))

    def role(self, guid: pulumi.Input[str]) -> pulumi.Output[str]:
        """The id of a role by its GUID."""
        return pulumi.Output.concat(
            "/subscriptions/", self.subscription, "/providers/Microsoft.Authorization/roleDefinitions/", guid
        )
