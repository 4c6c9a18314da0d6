"""A log group for each kind of container, with the plan's retention."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi_aws as aws

from .context import Context
from .names import log_group
from .sizes import log_days


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """The log groups of gateway, runs and access log."""

    gateway: aws.cloudwatch.LogGroup
    run: aws.cloudwatch.LogGroup
    front: aws.cloudwatch.LogGroup


def logs(context: Context) -> Logs:
    return Logs(**{role: _group(context, role) for role in ("gateway", "run", "front")})


def _group(context: Context, role: str) -> aws.cloudwatch.LogGroup:
    return aws.cloudwatch.LogGroup(
        context.logical(role),
        name=log_group(context.plan, role),
        retention_in_days=log_days(context.plan.retention.logs_s),
        **context.common_args,
    )
