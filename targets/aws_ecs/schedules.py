"""Schedules: EventBridge Scheduler starts the run's task; failures go to a dead-letter queue."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from unmoor.container import scheduled_run_command
from unmoor.cron import WEEKDAYS, Cron, format_ranges, parse
from unmoor.plan import Schedule

from .context import Context, assume_role_policy_in_account, policy, policy_statement
from .names import QUEUE, ROLE, SCHEDULE, name
from .network import Network
from .runner import Runner

# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
FIRING = "<aws.scheduler.execution-id>"
RETRY_FOR_S = 3600
KEPT_FAILURES_S = 14 * 86400


def eventbridge_cron(cron: Cron) -> str:
    """The expression in EventBridge's six fields, one day field being `?`:
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
    """
    assert cron.any_day or cron.any_weekday, "check() refuses both day fields together"
    day = "?" if not cron.any_weekday else _field(cron.days, 31)
    weekday = "?" if cron.any_weekday else ",".join(WEEKDAYS[d] for d in cron.weekdays)
    fields = (_field(cron.minutes, 60), _field(cron.hours, 24), day, _field(cron.months, 12), weekday, "*")
    return f"cron({' '.join(fields)})"


def schedules(context: Context, runner: Runner, network: Network) -> None:
    """A schedule for each of the plan's, with a role that can only start this agent's runs."""
    if runner.task is None or not context.plan.schedules:
        return
    failures = _failures(context)
    role = aws.iam.Role(
        context.logical("schedules"),
        name=name(context.plan, "schedules", ROLE),
        description=f"unmoor {context.plan.agent}: schedules",
        assume_role_policy=assume_role_policy_in_account("scheduler", runner.cluster.arn),
        **context.common_args,
    )
    rights = aws.iam.RolePolicy(
        context.logical("schedules"),
        name="unmoor",
        role=role.name,
        policy=policy([*runner.start, policy_statement(["sqs:SendMessage"], [failures.arn])]),
        opts=context.child,
    )
    group = aws.scheduler.ScheduleGroup(
        context.logical("schedules"),
        name=name(context.plan, "schedules", SCHEDULE),
        **context.common_args,
    )
    for schedule in context.plan.schedules:
        target = _target(context, schedule, runner, network, role, failures)
        _schedule(context, schedule, group, target, after=[rights, *network.routes])


def _field(values: tuple[int, ...], size: int) -> str:
    return "*" if len(values) == size else format_ranges(values)


def _failures(context: Context) -> aws.sqs.Queue:
    return aws.sqs.Queue(
        context.logical("schedules"),
        name=name(context.plan, "schedules", QUEUE),
        message_retention_seconds=KEPT_FAILURES_S,
        sqs_managed_sse_enabled=True,
        **context.common_args,
    )


def _target(
    context: Context,
    schedule: Schedule,
    runner: Runner,
    network: Network,
    role: aws.iam.Role,
    failures: aws.sqs.Queue,
) -> aws.scheduler.ScheduleTargetArgsDict:
    assert runner.task is not None
    overrides = {"containerOverrides": [{"name": "run", "command": list(scheduled_run_command(schedule, FIRING))}]}
    return {
        "arn": runner.cluster.arn,
        "role_arn": role.arn,
        "input": json.dumps(overrides, sort_keys=True),
        "ecs_parameters": {
            "task_definition_arn": runner.task.arn,
            "task_count": 1,
            "launch_type": "FARGATE",
            "propagate_tags": "TASK_DEFINITION",
            "network_configuration": {
                "subnets": network.subnets,
                "security_groups": [network.run.id],
                "assign_public_ip": context.settings.gives_public_ip,
            },
        },
        "retry_policy": {"maximum_event_age_in_seconds": RETRY_FOR_S, "maximum_retry_attempts": 10},
        "dead_letter_config": {"arn": failures.arn},
    }


def _schedule(
    context: Context,
    schedule: Schedule,
    group: aws.scheduler.ScheduleGroup,
    target: aws.scheduler.ScheduleTargetArgsDict,
    *,
    after: Sequence[pulumi.Resource],
) -> None:
    aws.scheduler.Schedule(
        context.logical(f"schedule-{schedule.name}"),
        name=name(context.plan, f"schedule-{schedule.name}", SCHEDULE),
        group_name=group.name,
        description=f"unmoor {context.plan.agent}: {schedule.cron}",
        schedule_expression=eventbridge_cron(parse(schedule.cron)),
        schedule_expression_timezone=schedule.timezone,
        flexible_time_window={"mode": "OFF"},
        target=target,
        opts=context.after(*after),
    )
