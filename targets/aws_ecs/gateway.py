"""The gateway: an ECS service with rollback that scales between its bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from unmoor.container import GATEWAY_PORT, SERVE, SERVE_ON_S

from .containers import Container, definitions, volumes
from .context import Context, policy, policy_statement
from .describe import instances, scales, service_size
from .front import Front
from .guard import URL as GUARD_URL
from .guard import guard
from .identity import Identities
from .image import ImageRef
from .logs import Logs
from .names import name
from .network import Network
from .runner import Runner, ephemeral, launcher_config, platform
from .secrets import StoredSecret
from .sizes import units
from .store import Store

# A harness may start slowly; until then a failing check does not stop the task.
HEALTH_GRACE_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayDependencies:
    network: Network
    identities: Identities
    image: ImageRef
    store: Store
    logs: Logs
    secrets: Mapping[str, StoredSecret]
    runner: Runner
    front: Front


def gateway(context: Context, around: GatewayDependencies) -> aws.ecs.Service:
    """The service with its task, its rights and its scaling."""
    rights = _rights(context, around)
    service = aws.ecs.Service(
        context.logical("gateway"),
        name=name(context.plan, "gateway"),
        cluster=around.runner.cluster.arn,
        task_definition=_task(context, around).arn,
        desired_count=instances(context.plan),
        launch_type="FARGATE",
        network_configuration={
            "subnets": around.network.subnets,
            "security_groups": [around.network.gateway.id],
            "assign_public_ip": context.settings.gives_public_ip,
        },
        deployment_circuit_breaker={"enable": True, "rollback": True},
        deployment_minimum_healthy_percent=100,
        deployment_maximum_percent=200,
        health_check_grace_period_seconds=HEALTH_GRACE_S,
        wait_for_steady_state=True,
        propagate_tags="SERVICE",
        enable_ecs_managed_tags=True,
        tags=context.release_tags,
        **around.front.attachment,
        opts=_service_options(
            context,
            [
                around.store.bundle,
                *around.network.routes,
                *around.identities.policies,
                *rights,
                *around.front.before,
            ],
        ),
    )
    if scales(context.plan):
        _autoscale(context, around, service)
    return service


def _service_options(context: Context, first: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
    """Role policies are deleted after the service: its tasks need them to stop. The number of tasks is the scaling
    target's, if there is one."""
    scaled = pulumi.ResourceOptions(ignore_changes=["desiredCount"] if scales(context.plan) else None)
    return pulumi.ResourceOptions.merge(context.after(*first), scaled)


def _task(context: Context, around: GatewayDependencies) -> aws.ecs.TaskDefinition:
    containers = [_container(context, around)]
    if around.runner.task is None:
        containers.append(guard(context, image=around.image, store=around.store, logs=around.logs, beside="gateway"))
    size = service_size(context.plan)
    return aws.ecs.TaskDefinition(
        context.logical("gateway"),
        family=name(context.plan, "gateway"),
        cpu=str(size.cpu),
        memory=str(size.memory_mib),
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        execution_role_arn=around.identities.gateway_execution.arn,
        task_role_arn=around.identities.gateway.arn,
        runtime_platform=platform(context.plan),
        ephemeral_storage=ephemeral(context.plan) if around.runner.task is None else None,
        container_definitions=definitions(containers, around.secrets),
        volumes=volumes(containers),
        skip_destroy=True,
        **context.common_args,
    )


def _container(context: Context, around: GatewayDependencies) -> Container:
    size, plan, apart = service_size(context.plan), context.plan, around.runner.task is not None
    return Container(
        name="gateway",
        image=around.image.reference,
        command=SERVE,
        environment={
            **context.environment(around.store.url),
            **_launcher_environment(context, around),
            "UNMOOR_SERVE_ON_S": str(SERVE_ON_S),
        },
        secrets=plan.secrets_held_by("gateway") if apart else plan.secrets_held_by("gateway", "run"),
        log_group=around.logs.gateway,
        region=context.settings.region,
        cpu=size.cpu if apart else size.cpu - units(plan.guard.cpu),
        memory_mib=size.memory_mib if apart else size.memory_mib - plan.guard.memory_mib,
        port=GATEWAY_PORT,
        healthy=True,
        after=() if apart else ("guard",),
    )


def _launcher_environment(context: Context, around: GatewayDependencies) -> dict[str, pulumi.Input[str]]:
    if around.runner.task is None:
        return {"UNMOOR_LAUNCHER": "process", "UNMOOR_SCHEDULER": "gateway", "UNMOOR_GUARD_URL": GUARD_URL}
    return {
        "UNMOOR_LAUNCHER": "ecs",
        "UNMOOR_LAUNCHER_CONFIG": launcher_config(around.runner, around.network, context),
        "UNMOOR_SCHEDULER": "platform",
    }


def _rights(context: Context, around: GatewayDependencies) -> list[pulumi.Resource]:
    """The rights to start the agent's runs, and to stop and list the tasks of its cluster."""
    if around.runner.task is None:
        return []
    cluster = around.runner.cluster
    tasks = cluster.arn.apply(lambda arn: arn.replace(":cluster/", ":task/") + "/*")
    # Without a container instance, which Fargate does not have, ECS authorizes ListTasks on `*`:
    # https://github.com/cdklabs/construct-hub/issues/1207
    statements = [
        *around.runner.start,
        policy_statement(["ecs:DescribeTasks", "ecs:StopTask"], [tasks]),
        policy_statement(["ecs:ListTasks"], ["*"], {"ArnEquals": {"ecs:cluster": cluster.arn}}),
    ]
    return [
        aws.iam.RolePolicy(
            context.logical("gateway-launch"),
            name="launch",
            role=around.identities.gateway.name,
            policy=policy(statements),
            opts=context.child,
        )
    ]


def _autoscale(context: Context, around: GatewayDependencies, service: aws.ecs.Service) -> None:
    target = aws.appautoscaling.Target(
        context.logical("gateway"),
        service_namespace="ecs",
        scalable_dimension="ecs:service:DesiredCount",
        resource_id=pulumi.Output.concat("service/", around.runner.cluster.name, "/", service.name),
        min_capacity=instances(context.plan),
        max_capacity=context.plan.gateway.max,
        **context.common_args,
    )
    aws.appautoscaling.Policy(
        context.logical("gateway"),
        name=name(context.plan, "gateway"),
        policy_type="TargetTrackingScaling",
        service_namespace=target.service_namespace,
        scalable_dimension=target.scalable_dimension,
        resource_id=target.resource_id,
        target_tracking_scaling_policy_configuration=(
            {
                "target_value": 60,
                "predefined_metric_specification": {"predefined_metric_type": "ECSServiceAverageCPUUtilization"},
            }
        ),
        opts=context.child,
    )
