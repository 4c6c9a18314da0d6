"""What AWS refuses beyond rights: zones, tags of images, quotas, clusters in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rules import Refused

ZONES = "aws:index/getAvailabilityZones:getAvailabilityZones"


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A zone as one account sees it: its letter is dealt per account, its id is the same for all."""

    name: str
    id: str
    local: bool = False
    vpc_links: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Zones:
    """A region's zones. API Gateway has VPC links in some of them:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-vpc-links-v2.html,
    https://github.com/aws/aws-cdk/issues/13569. Local Zones that an account has opted in to are listed with the others,
    and sort first: https://github.com/hashicorp/terraform-provider-aws/issues/12412.
    """

    of_account: Sequence[Zone]

    def look_up(self, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """The data source, with its filter for zones that need no opting in and its excluded ids."""
        wanted = [f["values"] for f in args.get("filters") or [] if f["name"] == "opt-in-status"]
        only_regional = ["opt-in-not-required"] in wanted
        left = [z for z in self.of_account if not (z.local and only_regional)]
        left = sorted((z for z in left if z.id not in (args.get("excludeZoneIds") or [])), key=lambda z: z.name)
        return {"id": "us-east-1", "names": [z.name for z in left], "zoneIds": [z.id for z in left]}

    def __call__(self, verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Any) -> None:
        if (verb, type_) != ("create", "aws:apigatewayv2/vpcLink:VpcLink"):
            return
        there = {t.id: t for t in cloud.things() if t.type == "aws:ec2/subnet:Subnet"}
        for subnet in inputs["subnetIds"]:
            zone = self._of(there[subnet].inputs)
            if zone.local or not zone.vpc_links:
                raise Refused(f"Subnet '{subnet}' is in Availability Zone '{zone.id}' where service is not available")

    def _of(self, inputs: Mapping[str, Any]) -> Zone:
        keys = {inputs.get("availabilityZone"), inputs.get("availabilityZoneId")}
        return next(z for z in self.of_account if keys & {z.name, z.id})


@dataclass(slots=True)
class PushedTags:
    """ECR refuses another image under a tag that exists, where the repository's tags are immutable. A build gives
    another digest each time: https://github.com/moby/buildkit/issues/3776
    """

    pushed: set[str] = field(default_factory=set)

    def __call__(self, verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Any) -> None:
        if type_ != "docker-build:index:Image" or verb not in ("create", "update"):
            return
        for tag in inputs["tags"]:
            repository, _, label = str(tag).rpartition(":")
            [found] = [t for t in cloud.things() if t.outputs.get("repositoryUrl") == repository]
            if tag in self.pushed and found.inputs["imageTagMutability"] == "IMMUTABLE":
                raise Refused(
                    f"tag invalid: The image tag '{label}' already exists in the '{found.id}' repository and cannot be "
                    "overwritten because the tag is immutable."
                )
            self.pushed.add(tag)


# By type: an account's quota in a region, how many the account had before, and what AWS says.
# https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html (the default VPC counts)
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
QUOTAS = {
    "aws:ec2/vpc:Vpc": (5, "VpcLimitExceeded: The maximum number of VPCs has been reached."),
    "aws:apigatewayv2/vpcLink:VpcLink": (
        10,
        "LimitExceededException: The maximum number of VPC links has been reached.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """An account that had so many of each type before: https://github.com/aws/copilot-cli/issues/2841"""

    before: Mapping[str, int]

    def __call__(self, verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Any) -> None:
        if verb != "create" or type_ not in QUOTAS:
            return
        limit, text = QUOTAS[type_]
        if self.before.get(type_, 0) + sum(t.type == type_ for t in cloud.things()) >= limit:
            raise Refused(text)


def cluster_in_use(verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Any) -> None:
    """A cluster with services cannot be deleted, nor a security group or subnet that a service's tasks are in:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteCluster.html
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html
    """
    services = [t for t in cloud.things() if t.type == "aws:ecs/service:Service"]
    if verb != "delete" or not services:
        return
    if type_ == "aws:ecs/cluster:Cluster":
        raise Refused("ClusterContainsServicesException: The Cluster cannot be deleted while Services are active.")
    if type_ in ("aws:ec2/subnet:Subnet", "aws:ec2/securityGroup:SecurityGroup"):
        raise Refused(f"DependencyViolation: resource {name} has a dependent object")


@dataclass(slots=True)
class Throttles:
    """The first `left` creations of a type are refused, as after the provider's own retries:
    https://docs.aws.amazon.com/general/latest/gr/api-retries.html
    """

    type_: str
    text: str
    left: int = 1

    def __call__(self, verb: str, type_: str, name: str, inputs: Mapping[str, Any], cloud: Any) -> None:
        if verb == "create" and type_ == self.type_ and self.left:
            self.left -= 1
            raise Refused(self.text)
