"""ECS on Fargate: a service behind an HTTP API or a load balancer, and a task for each run."""

from unmoor.target import CredentialsHint, Target

from .check import check
from .describe import LIMITS, adjustments, guarantees, part_mappings
from .failure_hints import FAILURE_HINTS
from .names import NAME_LIMITS
from .settings import EcsSettings

CREDENTIALS_HINT = CredentialsHint(
    r"No valid credential sources|failed to (retrieve|refresh cached) credentials"
    r"|InvalidClientTokenId|ExpiredToken|SignatureDoesNotMatch",
    "log in with `aws sso login` or `aws configure`",
)

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
    stand_ins_by="unmoor.targets.aws_ecs.stand_ins:STAND_INS",
    cost_by="unmoor.targets.aws_ecs.cost:cost",
    price_sources_by="unmoor.targets.aws_ecs.meters:PRICE_SOURCES",
    doctor_by="unmoor.targets.aws_ecs.doctor:doctor",
    deployer_policy_by="unmoor.targets.aws_ecs.deployer:deployer_policy",
    current_revision_by="unmoor.targets.aws_ecs.serving:current_revision",
    packages=("aws", "docker-build", "random"),
    extra="unmoor[aws]",
    credentials_hint=CREDENTIALS_HINT,
    failure_hints=FAILURE_HINTS,
    init_example={"region": "eu-west-1"},
    name_limits=NAME_LIMITS,
)
