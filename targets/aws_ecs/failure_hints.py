"""AWS's errors with their remedies, and which of them pass with time."""

from __future__ import annotations

from unmoor.target import FailureHint

FAILURE_HINTS = (
    # The provider retries most of these itself: https://docs.aws.amazon.com/general/latest/gr/api-retries.html
    FailureHint(
        pattern=r"Throttl(ing|ed)\w*|Rate exceeded|TooManyRequestsException|RequestLimitExceeded",
        remedy="AWS limits requests: run this again in a minute",
        wait_s=60,
    ),
    # The first cluster of an account: the role is created on demand.
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
    FailureHint(
        pattern=r"Unable to assume the service linked role",
        remedy="AWS created the account's service-linked role for ECS just now: run this again in a minute",
        wait_s=30,
    ),
    # https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
    FailureHint(
        pattern=r"VpcLimitExceeded",
        remedy="set targets.aws-ecs.vpc and subnets to an existing VPC, or request a larger quota; unmoor doctor "
        "counts VPCs",
    ),
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
    FailureHint(
        pattern=r"(limit|maximum|quota)[^;]*vpc ?links?|vpc ?links?[^;]*(limit|maximum|quota)",
        remedy="set targets.aws-ecs.vpc_link_id and vpc_link_security_group to an existing link, or request a larger "
        "quota; unmoor doctor counts VPC links",
    ),
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteCluster.html
    FailureHint(
        pattern=r"ClusterContains(Tasks|Services|ContainerInstances)Exception",
        remedy="tasks of the agent have not ended yet: run this again in a minute",
    ),
)
