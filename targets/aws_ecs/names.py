"""AWS's rules for names, and the names of the agent's resources."""

from __future__ import annotations

from unmoor.plan import Plan, Secret
from unmoor.plan.physical_names import NameRule, physical_name

ECS = NameRule(255, source="https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html")
ROLE = NameRule(64, source="https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html")
SCHEDULE = NameRule(64, source="https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html")
QUEUE = NameRule(
    80, source="https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"
)
REPOSITORY = NameRule(256, source="https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html")
BALANCER = NameRule(
    32, source="https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html"
)
API = NameRule(128, source="https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis.html")
GROUP = NameRule(255, source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html")
NAMESPACE = NameRule(200, source="https://docs.aws.amazon.com/cloud-map/latest/api/API_CreatePrivateDnsNamespace.html")

NAME_LIMITS = {
    "aws:apigatewayv2/api:Api.name": API.max_length,
    "aws:apigatewayv2/vpcLink:VpcLink.name": API.max_length,
    "aws:cloudwatch/logGroup:LogGroup.name": 512,
    "aws:ec2/securityGroup:SecurityGroup.name": GROUP.max_length,
    "aws:ecr/repository:Repository.name": REPOSITORY.max_length,
    "aws:ecs/cluster:Cluster.name": ECS.max_length,
    "aws:ecs/service:Service.name": ECS.max_length,
    "aws:ecs/taskDefinition:TaskDefinition.family": ECS.max_length,
    "aws:iam/role:Role.name": ROLE.max_length,
    "aws:lb/loadBalancer:LoadBalancer.name": BALANCER.max_length,
    "aws:lb/targetGroup:TargetGroup.name": BALANCER.max_length,
    "aws:s3/bucket:Bucket.bucketPrefix": 37,
    "aws:scheduler/schedule:Schedule.name": SCHEDULE.max_length,
    "aws:scheduler/scheduleGroup:ScheduleGroup.name": SCHEDULE.max_length,
    # The provider adds 26 characters to it.
    "aws:secretsmanager/secret:Secret.namePrefix": 512 - 26,
    "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace.name": 253,
    "aws:sqs/queue:Queue.name": QUEUE.max_length,
}


def name(plan: Plan, role: str, rule: NameRule = ECS) -> str:
    return physical_name(plan, role, rule)


def log_group(plan: Plan, role: str) -> str:
    """The name of a log group; an agent's share one prefix, but for the front's: API Gateway adds a group to the
    account's one log resource policy, which has a size limit, unless its name begins with /aws/vendedlogs/.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
    """
    prefix = "/aws/vendedlogs/unmoor" if role == "front" else "/unmoor"
    return f"{prefix}/{name(plan, '')}/{role}"


def partition(region: str) -> str:
    """The partition in the ARNs of a region: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"""
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")


def secret_arn(reference: str) -> str:
    """The ARN in a container's reference to a secret, which may name a key, a stage and a version after it."""
    return ":".join(reference.split(":")[:7])


def secret_name(plan: Plan, secret: Secret) -> str:
    """The prefix of a secret's name. A name must not end with - and six characters, like an ARN:
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html
    """
    return f"unmoor/{name(plan, '')}/{secret.name}/value-"
