"""The job that runs are started from, and the rights to it."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from .container_sizes import disk_mib, run_request, smallest_legal_size
from .container_template import job_container, volumes
from .containers import Container
from .context import Context
from .dependencies import Dependencies
from .guard import Guard
from .names import JOB, name
from .service import ignored_changes, launch_stage
from .sizes import MOST_TASK_S

CONTAINER = "run"
# To start and to store results, besides the harness's time.
MARGIN_S = 900
# To run, with arguments, and to cancel: https://docs.cloud.google.com/iam/docs/roles-permissions/run
STARTER = "roles/run.jobsExecutorWithOverrides"
# To read a job and its executions.
VIEWER = "roles/run.viewer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """The job, and the gateway's rights to it."""

    job: gcp.cloudrunv2.Job
    rights: tuple[pulumi.Resource, ...]


def runner(context: Context, around: Dependencies, guard: Guard) -> Runner | None:
    """The job of runs; None if runs are processes in the gateway."""
    who = around.identities
    if who.run is None:
        return None
    container = _container(context, around, guard)
    job = gcp.cloudrunv2.Job(
        context.logical("run"),
        name=name(context.plan, "run", JOB),
        location=context.settings.region,
        deletion_protection=False,
        launch_stage=launch_stage(container),
        template={
            "task_count": 1,
            "parallelism": 1,
            "template": {
                "service_account": who.run.email,
                "execution_environment": "EXECUTION_ENVIRONMENT_GEN2",
                "timeout": f"{min(context.plan.run.timeout_s + MARGIN_S, MOST_TASK_S)}s",
                "max_retries": 0,
                "containers": [job_container(context, container)],
                "volumes": volumes(container),
                "vpc_access": around.network.vpc_access(),
            },
        },
        labels=context.labels,
        opts=pulumi.ResourceOptions.merge(
            context.using("run", *around.rights["run"], guard.caller),
            pulumi.ResourceOptions(ignore_changes=ignored_changes(container.medium == "DISK")),
        ),
    )
    rights = {"gateway-start": STARTER, "gateway-see": VIEWER}
    return Runner(
        job=job,
        rights=tuple(grant_invoke(context, job, logical, role, who.gateway) for logical, role in rights.items()),
    )


def grant_invoke(
    context: Context, job: gcp.cloudrunv2.Job, logical: str, role: str, account: gcp.serviceaccount.Account
) -> gcp.cloudrunv2.JobIamMember:
    """An account's right to this one job."""
    return gcp.cloudrunv2.JobIamMember(
        context.logical(logical),
        name=job.name,
        location=context.settings.region,
        role=role,
        member=account.member,
        opts=context.child,
    )


def launcher_config(context: Context) -> str:
    """The launcher's configuration in the gateway."""
    configuration = {
        "container": CONTAINER,
        "job": name(context.plan, "run", JOB),
        "project": context.settings.project,
        "region": context.settings.region,
    }
    return json.dumps(configuration, sort_keys=True)


def _container(context: Context, around: Dependencies, guard: Guard) -> Container:
    return Container(
        name=CONTAINER,
        image=around.image,
        args=("run",),
        environment={**context.environment(around.store.url), "UNMOOR_GUARD_URL": guard.url},
        secrets=[around.secrets[s.name] for s in context.plan.secrets_held_by("run")],
        size=smallest_legal_size(run_request(context.plan, context.settings)),
        work_mib=disk_mib(context.plan, context.settings),
        medium=context.settings.disk.upper(),
    )
