"""Logs: the agent's own log bucket with the plan's retention, and a sink that routes its entries there.

The project's _Default bucket stores a copy for 30 days; its exclusions are in a sink that all share.
"""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp
import pulumi_random as random

from .container_sizes import isolated_runs
from .context import Context
from .names import COMPUTE, JOB, LOG_BYTES, LOGS, log_bucket_before_digits, name, schedule_name
from .sizes import log_days


def logs(context: Context) -> pulumi.Output[str]:
    """The full name of the bucket with the agent's logs."""
    # A deleted log bucket holds its name for 7 days, so the name is drawn once for each stack:
    # https://docs.cloud.google.com/logging/docs/buckets#delete-bucket
    digits = random.RandomId(context.logical("log-name"), byte_length=LOG_BYTES, opts=context.bare).hex
    bucket = gcp.logging.ProjectBucketConfig(
        context.logical("logs"),
        project=context.settings.project,
        location=context.settings.region,
        bucket_id=pulumi.Output.concat(log_bucket_before_digits(context.plan), digits),
        description=f"unmoor {context.plan.agent}: logs",
        retention_days=log_days(context.plan.retention.logs_s),
        # A bucket from before the digits keeps its name, and its logs.
        opts=pulumi.ResourceOptions.merge(
            context.using("logging", kept=True), pulumi.ResourceOptions(ignore_changes=["bucketId"])
        ),
    )
    where = pulumi.Output.concat(
        "projects/", context.settings.project, "/locations/", context.settings.region, "/buckets/", bucket.bucket_id
    )
    gcp.logging.ProjectSink(
        context.logical("logs"),
        name=name(context.plan, "logs", LOGS),
        description=f"unmoor {context.plan.agent}: logs",
        destination=pulumi.Output.concat("logging.googleapis.com/", where),
        filter=agents_entries(context),
        unique_writer_identity=False,  # within a project a sink needs no identity and no grant
        opts=context.using("logging"),
    )
    return where


def agents_entries(context: Context) -> str:
    """The filter for the entries of this agent's containers, schedules and load balancer."""
    plan, place = context.plan, f'resource.labels.location="{context.settings.region}"'
    services = " OR ".join(f'"{name(plan, role)}"' for role in ("gateway", "guard"))
    clauses = [f'resource.type="cloud_run_revision" AND resource.labels.service_name=({services}) AND {place}']
    if isolated_runs(plan):
        job = name(plan, "run", JOB)
        clauses.append(f'resource.type="cloud_run_job" AND resource.labels.job_name="{job}" AND {place}')
        jobs = " OR ".join(f'"{schedule_name(plan, s)}"' for s in plan.schedules)
        if jobs:
            clauses.append(f'resource.type="cloud_scheduler_job" AND resource.labels.job_id=({jobs}) AND {place}')
    if plan.network.domain:
        backend = name(plan, "domain", COMPUTE)
        clauses.append(f'resource.type="http_load_balancer" AND resource.labels.backend_service_name="{backend}"')
    return " OR ".join(f"({clause})" for clause in clauses)
