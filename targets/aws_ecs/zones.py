"""The availability zones of a new VPC: two in which API Gateway and Fargate serve."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from .context import Context
from .settings import UNSUPPORTED_ZONE_IDS


def zone_arguments(context: Context) -> list[dict[str, pulumi.Input[str]]]:
    """The inputs that place each of the two subnets: the user's zones, or two that AWS offers to this account."""
    if context.settings.zones:
        return [{"availability_zone_id": zone} for zone in context.settings.zones]
    found = aws.get_availability_zones_output(
        state="available",
        # Without this filter, Local Zones that the account has opted in to come first:
        # https://github.com/hashicorp/terraform-provider-aws/issues/12412
        filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
        exclude_zone_ids=list(UNSUPPORTED_ZONE_IDS),
        opts=pulumi.InvokeOutputOptions(provider=context.child.provider),
    )
    return [{"availability_zone": found.names.apply(lambda names, i=i: _nth(names, i))} for i in (0, 1)]


def _nth(names: list[str], index: int) -> str:
    """An account may see one supported zone alone; two subnets in it serve an HTTP API."""
    if not names:
        raise ValueError("AWS offers this account no availability zone here; choose another targets.aws-ecs.region")
    return names[min(index, len(names) - 1)]
