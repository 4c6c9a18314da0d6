"""Schedules: a job for each, which Azure starts at times in UTC."""

from __future__ import annotations

from unmoor.container import scheduled_run_command

from .context import Context
from .runner import JobTemplate, job
from .utc import utc_cron


def schedules(context: Context, runs: JobTemplate) -> None:
    """A scheduled job for each schedule, otherwise equal to the manual one. Azure starts an execution once and
    passes no id.
    """
    for schedule in context.plan.schedules:
        at = {"cron_expression": utc_cron(schedule), "parallelism": 1, "replica_completion_count": 1}
        trigger = {"trigger_type": "Schedule", "schedule_trigger_config": at}
        job(
            context,
            runs,
            part=f"schedule-{schedule.name}",
            command=scheduled_run_command(schedule),
            trigger=trigger,
        )
