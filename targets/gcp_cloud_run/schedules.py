"""Schedules: Cloud Scheduler starts an execution of the run's job."""

from __future__ import annotations

import base64
import json

import pulumi
import pulumi_gcp as gcp

from unmoor.container import scheduled_run_command
from unmoor.cron import parse
from unmoor.plan import Schedule

from .context import Context
from .identity import Identities
from .names import JOB, name, schedule_name
from .runner import CONTAINER, STARTER, Runner, grant_invoke

RETRY_FOR = "3600s"


def unix_cron(schedule: Schedule) -> str:
    """The expression for Cloud Scheduler, which also combines two restricted day fields with `or`:
    https://docs.cloud.google.com/scheduler/docs/configuring/cron-job-schedules
    """
    return parse(schedule.cron).text


def schedules(context: Context, identities: Identities, runner: Runner | None) -> None:
    """A job of Cloud Scheduler for each schedule, with an account that can only start this agent's runs."""
    if runner is None or identities.schedules is None:
        return
    right = grant_invoke(context, runner.job, "schedules-start", STARTER, identities.schedules)
    for schedule in context.plan.schedules:
        _schedule(context, schedule, identities.schedules, after=right)


def _schedule(
    context: Context, schedule: Schedule, account: gcp.serviceaccount.Account, *, after: pulumi.Resource
) -> None:
    gcp.cloudscheduler.Job(
        context.logical(f"schedule-{schedule.name}"),
        name=schedule_name(context.plan, schedule),
        region=context.settings.region,
        description=f"unmoor {context.plan.agent}: {schedule.name}",
        schedule=unix_cron(schedule),
        time_zone=schedule.timezone,
        attempt_deadline="60s",
        retry_config={
            "retry_count": 5,
            "max_retry_duration": RETRY_FOR,
            "min_backoff_duration": "10s",
            "max_backoff_duration": "600s",
        },
        http_target={
            "uri": _start_address(context),
            "http_method": "POST",
            "headers": {"Content-Type": "application/json"},
            "body": base64.b64encode(_overrides(schedule).encode()).decode(),
            "oauth_token": {
                "service_account_email": account.email,
                "scope": "https://www.googleapis.com/auth/cloud-platform",
            },
        },
        opts=context.using("cloudscheduler", after),
    )


def _start_address(context: Context) -> str:
    """https://docs.cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs/run"""
    settings = context.settings
    job = f"projects/{settings.project}/locations/{settings.region}/jobs/{name(context.plan, 'run', JOB)}"
    return f"https://run.googleapis.com/v2/{job}:run"


def _overrides(schedule: Schedule) -> str:
    """The body; Cloud Scheduler adds no firing id to it, so the run uses the time."""
    container = {"name": CONTAINER, "args": list(scheduled_run_command(schedule))}
    return json.dumps({"overrides": {"containerOverrides": [container]}}, sort_keys=True)
