"""What ECS makes of a plan, for people: roundings, what serves each part, guarantees, limits."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from unmoor.plan import Plan
from unmoor.quantities import cpu_text, duration_text, size_text
from unmoor.target import Adjustment, Guarantee, Limit, PartMapping

from .settings import EcsSettings
from .sizes import FargateSize, days, disk_gib, fargate_size, log_days

FARGATE_DOC = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html"
LIMITS = (
    Limit(
        topic="request time",
        value="30 s behind an HTTP API, 4000 s idle behind an ALB",
        source="https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html",
    ),
    Limit(
        topic="run time",
        value="none; AWS may retire a task's host after 7 days' notice",
        source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/prepare-task-retirement.html",
    ),
    Limit(topic="image platform", value="linux/amd64 or linux/arm64", source=FARGATE_DOC),
    Limit(topic="run size", value="16 processors, 120 GiB, in Fargate's pairs", source=FARGATE_DOC),
    Limit(topic="disk", value="20 to 200 GiB", source=f"{FARGATE_DOC}#fargate-tasks-storage"),
    Limit(
        topic="stop grace",
        value="up to 120 s",
        source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html",
    ),
    Limit(
        topic="schedule",
        value="one minute, any time zone, no day of month together with day of week",
        source="https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html",
    ),
)


def run_size(plan: Plan) -> FargateSize:
    """The size of a run's task: the run's processors, which the guard shares, and memory for both."""
    return _sized(plan.run.cpu, plan.run.memory_mib + plan.guard.memory_mib)


def service_size(plan: Plan) -> FargateSize:
    """The size of the gateway's task, with one run and the guard where runs live in it."""
    guard = plan.guard.memory_mib if plan.run.isolation == "process" else 0
    return _sized(plan.service_cpu, plan.service_memory_mib + guard)


def instances(plan: Plan) -> int:
    """How many gateways are kept: nothing wakes a service that is at none."""
    return max(plan.gateway.min, 1)


def adjustments(plan: Plan, settings: EcsSettings) -> list[Adjustment]:
    """What becomes larger than asked."""
    return [*_sizes(plan), *_scale(plan), *_retention(plan)]


def _sizes(plan: Plan) -> Iterator[Adjustment]:
    if plan.run.isolation == "container":
        yield from _size("resources", plan.run.cpu, plan.run.memory_mib + plan.guard.memory_mib, run_size(plan))
        gateway_memory = plan.service_memory_mib
    else:
        gateway_memory = plan.service_memory_mib + plan.guard.memory_mib
    yield from _size("gateway", plan.service_cpu, gateway_memory, service_size(plan))
    given = disk_gib(plan.run.disk_mib) * 1024
    if given != plan.run.disk_mib:
        why = "20Gi are included" if given == 20 * 1024 else "Fargate counts whole Gi"
        yield Adjustment(path="resources.disk", asked=size_text(plan.run.disk_mib), given=size_text(given), why=why)


def _size(path: str, cpu: Decimal, memory_mib: int, given: FargateSize) -> Iterator[Adjustment]:
    if given.cpu != cpu * 1024 or given.memory_mib != memory_mib:
        asked = f"{cpu_text(cpu)} processors and {size_text(memory_mib)} with all that runs beside it"
        size = f"{cpu_text(Decimal(given.cpu) / 1024)} and {size_text(given.memory_mib)}"
        yield Adjustment(path=path, asked=asked, given=size, why="the next size that Fargate has")


def _scale(plan: Plan) -> Iterator[Adjustment]:
    if plan.gateway.min == 0:
        why = "no request wakes a service that is at none"
        yield Adjustment(path="gateway.min", asked="0", given="1", why=why)


def _retention(plan: Plan) -> Iterator[Adjustment]:
    kept = log_days(plan.retention.logs_s)
    if kept is not None and kept * 86400 != plan.retention.logs_s:
        asked = duration_text(plan.retention.logs_s)
        yield Adjustment(path="retention.logs", asked=asked, given=f"{kept}d", why="the next that CloudWatch has")
    if plan.retention.runs_s % 86400:
        asked, given = duration_text(plan.retention.runs_s), f"{days(plan.retention.runs_s)}d"
        yield Adjustment(path="retention.runs", asked=asked, given=given, why="S3 counts whole days")


def part_mappings(plan: Plan, settings: EcsSettings) -> list[PartMapping]:
    """What serves each part of the plan here."""
    front = (
        ("an HTTP API", "aws:apigatewayv2/api:Api")
        if settings.front == "http-api"
        else ("an ALB", "aws:lb/loadBalancer:LoadBalancer")
    )
    task, service = "aws:ecs/taskDefinition:TaskDefinition", "aws:ecs/service:Service"
    apart = plan.run.isolation == "container"
    image = {"ImageReference": "the reference, as it is"}.get(type(plan.image).__name__, "built, kept in ECR")
    return [
        PartMapping(part="gateway", by=f"ECS service behind {front[0]}", types=(service, front[1])),
        PartMapping(part="run", by="a task of its own (RunTask)" if apart else "in the gateway's task", types=(task,)),
        PartMapping(part="guard", by="sidecar of the run" if apart else "sidecar of the gateway", types=(task,)),
        _schedules(plan),
        PartMapping(part="email", by="the gateway" if plan.mailboxes else "-"),
        PartMapping(part="secrets", by="Secrets Manager"),
        PartMapping(part="store", by="S3 bucket", types=("aws:s3/bucket:Bucket",)),
        PartMapping(part="identity", by="IAM roles", types=("aws:iam/role:Role",)),
        PartMapping(part="logs", by="CloudWatch Logs", types=("aws:cloudwatch/logGroup:LogGroup",)),
        PartMapping(part="image", by=image),
        PartMapping(
            part="network",
            by=settings.vpc or "own VPC, two public subnets",
            types=("aws:ec2/securityGroup:SecurityGroup",),
        ),
    ]


def _schedules(plan: Plan) -> PartMapping:
    if not plan.schedules:
        return PartMapping(part="schedules", by="-")
    if plan.run.isolation == "process":
        return PartMapping(part="schedules", by="the gateway's own scheduler")
    return PartMapping(
        part="schedules", by="EventBridge Scheduler to RunTask", types=("aws:scheduler/schedule:Schedule",)
    )


def guarantees(plan: Plan, settings: EcsSettings) -> list[Guarantee]:
    """What ECS promises for this plan."""
    apart = plan.run.isolation == "container"
    return [
        Guarantee(
            topic="the run cannot read the model key",
            strength="enforced",
            by="only the guard's container is given it, by an execution role that no container can use",
            source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html",
        ),
        Guarantee(
            topic="a run reaches only its egress list",
            strength="advisory",
            by="the security group lets only 443 out; names are the guard's matter, which Landlock enforces where the "
            "host's kernel has it",
        ),
        Guarantee(
            topic="one run cannot see another",
            strength="enforced" if apart else "advisory",
            by="a task and a virtual machine of its own" if apart else "runs share the gateway's container",
        ),
        Guarantee(
            topic="the run's file system outside its workspace is read-only",
            strength="enforced",
            by="readonlyRootFilesystem",
        ),
        Guarantee(
            topic="everything public is served by TLS",
            strength="enforced",
            by="HTTP API, HTTPS only" if settings.front == "http-api" else "ALB listener on 443; 80 redirects",
        ),
        Guarantee(
            topic="data survives deletion of the stack",
            strength="absent" if settings.destroy_data else "enforced",
            by="destroy_data is set" if settings.destroy_data else "the bucket is retained",
        ),
        Guarantee(
            topic="a missed schedule",
            strength="enforced" if apart else "advisory",
            by="is tried again for an hour, then kept in a dead-letter queue"
            if apart
            else "is made up for as schedule.missed says",
        ),
        Guarantee(topic="the gateway scales to zero", strength="absent", by="one task is always there"),
    ]


def _sized(cpu: Decimal, memory_mib: int) -> FargateSize:
    size = fargate_size(cpu, memory_mib)
    assert size is not None, "check() refuses what has no size"
    return size
