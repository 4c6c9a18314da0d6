"""What ECS makes of a plan, for people: adjustments, parts, guarantees, limits."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from unmoor.plan import ImageReference, Plan
from unmoor.quantities import cpu_text, size_text
from unmoor.target import Adjustment, Guarantee, Limit, PartMapping
from unmoor.target.description import (
    MISSED_BY_GATEWAY,
    SHARED_CONTAINER,
    adjustment,
    data_promise,
    describe_guarantees,
    describe_parts,
    retention_adjustment,
    run_retention_adjustment,
    size_adjustment,
)

from .settings import EcsSettings
from .sizes import FargateSize, disk_gib, fargate_size, log_days

DOCS = "https://docs.aws.amazon.com"
ECS_DOCS = f"{DOCS}/AmazonECS/latest/developerguide"
FARGATE_DOC = f"{ECS_DOCS}/fargate-tasks-services.html"
HTTP_API_DOC = f"{DOCS}/apigateway/latest/developerguide/http-api-quotas.html"
VPC_DOC = f"{DOCS}/vpc/latest/userguide/amazon-vpc-limits.html"
VPC_LINK_DOC = f"{DOCS}/apigateway/latest/developerguide/apigateway-vpc-links-v2.html"
SCHEDULE_DOC = f"{DOCS}/scheduler/latest/UserGuide/schedule-types.html"
LIMITS = (
    Limit("request time", "30 s behind an HTTP API, so `wait` too, 4000 s idle behind an ALB", HTTP_API_DOC),
    Limit("artifact", "10 MB behind an HTTP API; the store and an ALB give larger ones", HTTP_API_DOC),
    Limit("agents per region", "5 VPCs, the default one included, unless agents share `vpc`", VPC_DOC),
    Limit("HTTP APIs per region", "10 VPC links, unless agents share `vpc_link_id`", HTTP_API_DOC),
    Limit("idle front", "a VPC link without requests for 60 days needs minutes for the next one", VPC_LINK_DOC),
    Limit(
        "run time",
        "none; AWS may retire a task's host after 7 days' notice",
        f"{ECS_DOCS}/prepare-task-retirement.html",
    ),
    Limit("image platform", "linux/amd64 or linux/arm64", FARGATE_DOC),
    Limit("run size", "16 processors, 120 GiB, in Fargate's pairs", FARGATE_DOC),
    Limit("disk", "20 to 200 GiB", f"{FARGATE_DOC}#fargate-tasks-storage"),
    Limit("stop grace", "up to 120 s", f"{DOCS}/AmazonECS/latest/APIReference/API_ContainerDefinition.html"),
    Limit("schedule", "one minute, any time zone, no day of month together with day of week", SCHEDULE_DOC),
)
TASK = "aws:ecs/taskDefinition:TaskDefinition"


def run_size(plan: Plan) -> FargateSize:
    """The size of a run's task: the run's processors, which the guard shares, and memory for both."""
    return _legal_size(plan.run.cpu, plan.run.memory_mib + plan.guard.memory_mib)


def service_memory_mib(plan: Plan) -> int:
    """The memory of the gateway's task, including one run and the guard if runs are processes in it."""
    return plan.service_memory_mib + (plan.guard.memory_mib if plan.run.isolation == "process" else 0)


def service_size(plan: Plan) -> FargateSize:
    """The size of the gateway's task."""
    return _legal_size(plan.service_cpu, service_memory_mib(plan))


def instances(plan: Plan) -> int:
    """The least number of gateways: at least one, since no request wakes a service without tasks."""
    return max(plan.gateway.min, 1)


def scales(plan: Plan) -> bool:
    """Whether the number of gateways follows their load."""
    return plan.gateway.max > instances(plan)


def adjustments(plan: Plan, settings: EcsSettings) -> list[Adjustment]:
    """The requested values that ECS replaces."""
    return [*_sizes(plan), *_scale(plan), *_retention(plan)]


def _sizes(plan: Plan) -> Iterator[Adjustment]:
    if plan.run.isolation == "container":
        yield from _size("resources", plan.run.cpu, plan.run.memory_mib + plan.guard.memory_mib, run_size(plan))
    yield from _size("gateway", plan.service_cpu, service_memory_mib(plan), service_size(plan))
    given = disk_gib(plan.run.disk_mib) * 1024
    why = "Fargate includes 20Gi" if given == 20 * 1024 else "Fargate counts whole Gi"
    yield from size_adjustment("resources.disk", plan.run.disk_mib, given, why)


def _size(path: str, cpu: Decimal, memory_mib: int, given: FargateSize) -> Iterator[Adjustment]:
    if given.cpu != cpu * 1024 or given.memory_mib != memory_mib:
        asked = f"{cpu_text(cpu)} vCPU and {size_text(memory_mib)} including sidecars"
        size = f"{cpu_text(Decimal(given.cpu) / 1024)} and {size_text(given.memory_mib)}"
        yield Adjustment(path, asked, size, "the next size that Fargate has")


def _scale(plan: Plan) -> Iterator[Adjustment]:
    why = "no request wakes a service without tasks"
    yield from adjustment("gateway.min", str(plan.gateway.min), str(instances(plan)), why)


def _retention(plan: Plan) -> Iterator[Adjustment]:
    logs = plan.retention.logs_s
    yield from retention_adjustment("retention.logs", logs, log_days(logs), "the next time that CloudWatch has")
    yield from run_retention_adjustment(plan.retention.runs_s, "S3 counts whole days")


def part_mappings(plan: Plan, settings: EcsSettings) -> list[PartMapping]:
    """What serves each part of the plan."""
    isolated, service = plan.run.isolation == "container", "aws:ecs/service:Service"
    front = ("ECS service behind an HTTP API", service, "aws:apigatewayv2/api:Api")
    if settings.front == "alb":
        front = ("ECS service behind an ALB", service, "aws:lb/loadBalancer:LoadBalancer")
    return describe_parts(
        gateway=front,
        run=("its own task (RunTask)" if isolated else "in the gateway's task", TASK),
        guard=("sidecar of the run" if isolated else "sidecar of the gateway", TASK),
        schedules=_schedules(plan),
        email="the gateway" if plan.mailboxes else "-",
        secrets="Secrets Manager",
        store=("S3 bucket", "aws:s3/bucket:Bucket"),
        identity=("IAM roles", "aws:iam/role:Role"),
        logs=("CloudWatch Logs", "aws:cloudwatch/logGroup:LogGroup"),
        image="the reference, unchanged" if isinstance(plan.image, ImageReference) else "built and pushed to ECR",
        network=(settings.vpc or "its own VPC, two public subnets", "aws:ec2/securityGroup:SecurityGroup"),
    )


def _schedules(plan: Plan) -> str | tuple[str, ...]:
    if not plan.schedules:
        return "-"
    if plan.run.isolation == "process":
        return "the gateway's own scheduler"
    return "EventBridge Scheduler to RunTask", "aws:scheduler/schedule:Schedule"


def guarantees(plan: Plan, settings: EcsSettings) -> list[Guarantee]:
    """What ECS promises for this plan."""
    isolated = plan.run.isolation == "container"
    http_api = settings.front == "http-api"
    return describe_guarantees(
        model_key=(
            "enforced",
            "only the guard's container receives it, through an execution role that no container can use",
            f"{ECS_DOCS}/task_execution_IAM_role.html",
        ),
        egress=(
            "advisory",
            "the security group allows only port 443; the guard checks host names, and the sandbox forces runs through "
            "the guard as far as the kernel lets it, which each run records: AWS publishes no kernel; one report of "
            "July 2026 (6.1, Landlock 2) means seccomp notification",
        ),
        isolation=("enforced", "each run has its own task and virtual machine") if isolated else SHARED_CONTAINER,
        read_only=("enforced", "readonlyRootFilesystem"),
        tls=("enforced", "HTTP API, HTTPS only" if http_api else "ALB listener on 443; 80 redirects"),
        data=data_promise(settings, "the bucket is"),
        missed=(
            "enforced",
            "retried for an hour, then stored in a dead-letter queue; if the task ends before it records its run, the "
            "gateway starts the run",
        )
        if isolated
        else MISSED_BY_GATEWAY,
        scale_to_zero=("absent", "one task always runs"),
    )


def _legal_size(cpu: Decimal, memory_mib: int) -> FargateSize:
    size = fargate_size(cpu, memory_mib)
    assert size is not None, "check() refuses what has no size"
    return size
