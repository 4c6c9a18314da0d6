"""ECS on Fargate: a service behind an HTTP API or a load balancer, and a task for each run."""

from unmoor.target import Target

from .check import check
from .describe import LIMITS, adjustments, guarantees, part_mappings
from .names import NAME_LIMITS
from .settings import EcsSettings

target = Target(
    name="aws-ecs",
    summary="ECS on Fargate, behind an API Gateway HTTP API or an ALB",
    settings=EcsSettings,
    limits=LIMITS,
    check=check,
    adjustments=adjustments,
    part_mappings=part_mappings,
    guarantees=guarantees,
    build_by="unmoor.targets.aws_ecs.program:build",
    access_by="unmoor.targets.aws_ecs.access:access",
    cost_by="unmoor.targets.aws_ecs.cost:cost",
    packages=("aws", "docker-build", "random"),
    doctor_by="unmoor.targets.aws_ecs.doctor:doctor",
    deployer_policy_by="unmoor.targets.aws_ecs.deployer:deployer_policy",
    current_revision_by="unmoor.targets.aws_ecs.serving:current_revision",
    name_limits=NAME_LIMITS,
)
