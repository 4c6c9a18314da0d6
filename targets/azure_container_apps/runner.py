"""The job that runs are started from, and the right to start it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_azure_native as az

from unmoor.container import GUARD_RUNS, ONE_RUN

from .container_sizes import guard_size, replica_of_runs
from .containers import Container, arguments, registries, secret_references, volumes
from .context import Context
from .grants import grant, role
from .guard import URL as GUARD_URL
from .guard import environment, guard
from .identity import Identities, Identity, identity_args, token_obtainable
from .image import ImageRef
from .names import name
from .network import Network
from .secrets import StoredSecret
from .store import Store

# To pull the image, prepare the workspace and store results, besides the harness's time: Azure counts from the start of
# the execution. https://github.com/microsoft/azure-container-apps/issues/986
MARGIN_S = 900
# https://learn.microsoft.com/azure/role-based-access-control/permissions/compute#microsoftapp
START = (
    "Microsoft.App/jobs/read",
    "Microsoft.App/jobs/start/action",
    "Microsoft.App/jobs/execution/read",
    "Microsoft.App/jobs/executions/read",
    "Microsoft.App/jobs/stop/execution/action",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTemplate:
    identity: Identity
    image: ImageRef
    store: Store
    network: Network
    secrets: Mapping[str, StoredSecret]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """The run's job and the gateway's right to start it."""

    job: az.app.Job
    right: pulumi.Resource


def runner(context: Context, runs: JobTemplate, identities: Identities) -> Runner:
    trigger = {"trigger_type": "Manual", "manual_trigger_config": {"parallelism": 1, "replica_completion_count": 1}}
    started = job(context, runs, part="run", command=("run",), trigger=trigger)
    definition, guid = role(context, "start", actions=START)
    right = grant(context, "gateway-start", to=identities.gateway.own, role=guid, on=started.id, after=[definition])
    return Runner(job=started, right=right)


def job(context: Context, runs: JobTemplate, *, part: str, command: Sequence[str], trigger: Any) -> az.app.Job:
    """A job whose execution is one run; Azure never retries it, since a run's effects cannot be undone."""
    beside = guard(context, image=runs.image, store=runs.store, identity=runs.identity, ends_with_run=True)
    containers = [_run(context, runs, command), beside]
    return az.app.Job(
        context.logical(part),
        job_name=name(context.plan, part),
        environment_id=runs.network.environment_id,
        workload_profile_name=runs.network.run_profile,
        identity=identity_args(runs.identity),
        configuration=trigger
        | {
            "replica_timeout": context.plan.run.timeout_s + MARGIN_S,
            "replica_retry_limit": 0,
            "identity_settings": token_obtainable(runs.identity),
            "registries": registries(runs.image, runs.identity),
            "secrets": secret_references(containers, runs.secrets, runs.identity),
        },
        template={"containers": arguments(containers), "volumes": volumes(containers)},
        **{**context.common_args, "opts": context.after(*runs.identity.grants, runs.store.bundle)},
    )


def launcher_config(started: az.app.Job) -> pulumi.Output[str]:
    """The launcher's configuration in the gateway."""
    return pulumi.Output.json_dumps({"container": "run", "job": started.id}, sort_keys=True)


def _run(context: Context, runs: JobTemplate, command: Sequence[str]) -> Container:
    total = replica_of_runs(context.plan, context.settings)
    assert total is not None, "check() refuses what has no size"
    return Container(
        name="run",
        image=runs.image.reference,
        command=command,
        environment={
            **environment(context, runs.store, runs.identity),
            "UNMOOR_GUARD_URL": GUARD_URL,
            GUARD_RUNS: ONE_RUN,
        },
        secrets=context.plan.secrets_held_by("run"),
        size=total - guard_size(context.plan),
    )
