"""The cluster, and the task definition that runs are started from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from unmoor.container import GUARD_RUNS, ONE_RUN
from unmoor.plan import Plan

from .containers import Container, definitions, volumes
from .context import Context, policy_statement
from .describe import run_size
from .guard import URL as GUARD_URL
from .guard import guard
from .identity import Identities
from .image import ImageRef
from .logs import Logs
from .names import name
from .network import Network
from .secrets import StoredSecret
from .sizes import INCLUDED_DISK_GIB, disk_gib, units
from .store import Store

ARCHITECTURES = {"amd64": "X86_64", "arm64": "ARM64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """The cluster, the run's task definition (None if runs are processes in the gateway), and the right to start it."""

    cluster: aws.ecs.Cluster
    task: aws.ecs.TaskDefinition | None
    start: tuple[dict[str, Any], ...]


def cluster(context: Context) -> aws.ecs.Cluster:
    """The agent's own cluster."""
    insights = "enabled" if context.settings.container_insights else "disabled"
    return aws.ecs.Cluster(
        context.logical("cluster"),
        name=name(context.plan, ""),
        settings=[{"name": "containerInsights", "value": insights}],
        **context.common_args,
    )


def runner(
    context: Context,
    *,
    identities: Identities,
    image: ImageRef,
    store: Store,
    logs: Logs,
    secrets: Mapping[str, StoredSecret],
) -> Runner:
    home = cluster(context)
    if identities.run is None or identities.run_execution is None:
        return Runner(cluster=home, task=None, start=())
    containers = [_run(context, image, store, logs), guard(context, image=image, store=store, logs=logs, beside="run")]
    size = run_size(context.plan)
    task = aws.ecs.TaskDefinition(
        context.logical("run"),
        family=name(context.plan, "run"),
        cpu=str(size.cpu),
        memory=str(size.memory_mib),
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        execution_role_arn=identities.run_execution.arn,
        task_role_arn=identities.run.arn,
        runtime_platform=platform(context.plan),
        ephemeral_storage=ephemeral(context.plan),
        container_definitions=definitions(containers, secrets),
        volumes=volumes(containers),
        skip_destroy=True,  # during a rollout the old gateway still starts runs of its revision
        **context.common_args,
    )
    return Runner(cluster=home, task=task, start=_may_start(home, task, identities))


def platform(plan: Plan) -> aws.ecs.TaskDefinitionRuntimePlatformArgsDict:
    """Linux on the plan's architecture; gateway and run share an image."""
    return {"operating_system_family": "LINUX", "cpu_architecture": ARCHITECTURES[plan.run.arch]}


def ephemeral(plan: Plan) -> aws.ecs.TaskDefinitionEphemeralStorageArgsDict | None:
    """Disk beyond what is included."""
    size = disk_gib(plan.run.disk_mib)
    return {"size_in_gib": size} if size > INCLUDED_DISK_GIB else None


def launcher_config(runner: Runner, network: Network, context: Context) -> pulumi.Output[str]:
    """The launcher's configuration in the gateway."""
    assert runner.task is not None
    configuration = {
        "cluster": runner.cluster.arn,
        "container": "run",
        "network": {"awsvpcConfiguration": network.tasks(context, network.run)},
        "region": context.settings.region,
        "task_definition": runner.task.arn,
    }
    return pulumi.Output.json_dumps(configuration, sort_keys=True)


def _run(context: Context, image: ImageRef, store: Store, logs: Logs) -> Container:
    size, guard_size = run_size(context.plan), context.plan.guard
    return Container(
        name="run",
        image=image.reference,
        command=("run",),
        environment={**context.environment(store.url), "UNMOOR_GUARD_URL": GUARD_URL, GUARD_RUNS: ONE_RUN},
        secrets=context.plan.secrets_held_by("run"),
        log_group=logs.run,
        region=context.settings.region,
        cpu=size.cpu - units(guard_size.cpu),
        memory_mib=size.memory_mib - guard_size.memory_mib,
        after=("guard",),
    )


def _may_start(
    home: aws.ecs.Cluster, task: aws.ecs.TaskDefinition, identities: Identities
) -> tuple[dict[str, Any], ...]:
    """The rights to start only this task in this cluster and to pass only its two roles."""
    assert identities.run is not None
    assert identities.run_execution is not None
    in_cluster = {"ArnEquals": {"ecs:cluster": home.arn}}
    by_run_task = {"StringEquals": {"ecs:CreateAction": "RunTask"}}
    to_tasks = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    tasks = home.arn.apply(lambda arn: arn.replace(":cluster/", ":task/") + "/*")
    return (
        policy_statement(["ecs:RunTask"], [pulumi.Output.concat(task.arn_without_revision, ":*")], in_cluster),
        policy_statement(["ecs:TagResource"], [tasks], by_run_task),
        policy_statement(["iam:PassRole"], [identities.run.arn, identities.run_execution.arn], to_tasks),
    )
