"""The build's context: where its resources are, and names and ids that are unique."""

from __future__ import annotations

import uuid
from functools import cached_property
from typing import Any

import pulumi
import pulumi_azure_native as az
import pulumi_random as random

from unmoor.plan.physical_names import NameRule
from unmoor.target.component import BuildContext

from .names import GROUP, UNIQUE_BYTES, before_digits
from .settings import ContainerAppsSettings

# Ids of grants are derived from this and from the stack's own digits.
GRANTS = uuid.UUID("5f0f7b4e-6b7a-5d2e-9d0c-3f8c1f6f2a61")


class Context(BuildContext[ContainerAppsSettings]):
    """One build on Azure."""

    @cached_property
    def login(self) -> Any:
        """The subscription and the tenant of the provider."""
        return az.authorization.get_client_config_output(
            opts=pulumi.InvokeOutputOptions(parent=self.child.parent, provider=self.child.provider)
        )

    @property
    def subscription(self) -> pulumi.Input[str]:
        """The id of the subscription."""
        return self.settings.subscription_id or self.login.subscription_id

    @cached_property
    def digits(self) -> pulumi.Output[str]:
        """Eight random digits that make names globally unique."""
        return random.RandomId(self.logical("names"), byte_length=UNIQUE_BYTES, opts=self.bare).hex

    @cached_property
    def group(self) -> pulumi.Input[str]:
        """The name of the resource group. Deleting a group deletes all that is in it, so it is retained like data."""
        if self.settings.resource_group:
            return self.settings.resource_group
        return az.resources.ResourceGroup(
            self.logical("group"),
            resource_group_name=self.unique_name(GROUP),
            location=self.settings.location,
            tags=self.tags,
            opts=self.kept,
        ).name

    @property
    def group_id(self) -> pulumi.Output[str]:
        """The id of the resource group."""
        return pulumi.Output.concat("/subscriptions/", self.subscription, "/resourceGroups/", self.group)

    @property
    def common_args(self) -> dict[str, Any]:
        """Group, location, tags and options of a resource in the group."""
        return {**super().common_args, "resource_group_name": self.group, "location": self.settings.location}

    def unique_name(self, rule: NameRule) -> pulumi.Output[str]:
        """A globally unique name."""
        return pulumi.Output.concat(before_digits(self.plan, rule), self.digits)

    def stable_id(self, role: str) -> pulumi.Output[str]:
        """A GUID that is the same in every deployment of this stack and differs in every other stack."""
        path = f"{self.plan.agent}/{self.plan.environment}/{role}"
        return self.digits.apply(lambda digits: str(uuid.uuid5(GRANTS, f"{digits}/{path}")))

    def role(self, guid: pulumi.Input[str]) -> pulumi.Output[str]:
        """The id of a role by its GUID."""
        return pulumi.Output.concat(
            "/subscriptions/", self.subscription, "/providers/Microsoft.Authorization/roleDefinitions/", guid
        )
