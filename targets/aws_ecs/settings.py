"""The settings of the target aws-ecs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from unmoor.target import Settings

Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
VpcId = Annotated[str, StringConstraints(pattern=r"^vpc-[0-9a-f]{8,17}$")]
SubnetId = Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-f]{8,17}$")]
ZoneId = Annotated[str, StringConstraints(pattern=r"^Z[0-9A-Z]{1,31}$")]
SecurityGroupId = Annotated[str, StringConstraints(pattern=r"^sg-[0-9a-f]{8,17}$")]
VpcLinkId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{4,32}$")]
KeyArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[0-9a-zA-Z-]+$")]
AvailabilityZoneId = Annotated[str, StringConstraints(pattern=r"^[a-z]+\d-az\d{1,2}$")]
CertificateArn = Annotated[
    str, StringConstraints(pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]+$")
]

# The zones in which no VPC link of an HTTP API, or no Fargate task, can be created. Ids are the same in all accounts:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-vpc-links-v2.html
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/AWS_Fargate-Regions.html
UNSUPPORTED_ZONE_IDS = ("ape1-az1", "apne1-az3", "cac1-az3", "cac1-az4", "euw3-az2", "use1-az3", "usw1-az2")


class EcsSettings(Settings):
    """Settings of `targets.aws-ecs`. An existing secret is named by its ARN; `:KEY::` after it takes one key of a JSON
    document.
    """

    region: Region = Field(description="The AWS region, such as eu-west-1.")
    front: Literal["http-api", "alb"] = Field(
        "http-api",
        description="The gateway's public entry. An HTTP API costs nothing while idle and ends a request after 30 s. "
        "An ALB streams for up to 4000 s, has a fixed monthly price, and needs network.domain.",
    )
    vpc: VpcId | None = Field(None, description="An existing VPC. Default: a new one with two public subnets.")
    subnets: list[SubnetId] = Field([], description="Subnets of `vpc` in two or more zones, for tasks and the ALB.")
    front_subnets: list[SubnetId] = Field(
        [], description="Public subnets of `vpc` for the ALB. Needed if `subnets` are private."
    )
    vpc_link_id: VpcLinkId | None = Field(
        None,
        description="An existing VPC link for HTTP APIs in `vpc`. Agents may share it: an account has 10 in a region.",
    )
    vpc_link_security_group: SecurityGroupId | None = Field(
        None, description="The security group of `vpc_link_id`. It must allow egress to port 8080."
    )
    zones: list[AvailabilityZoneId] = Field(
        [],
        description="The ids of two availability zones for a new VPC, such as euw1-az1. Default: two in which API "
        "Gateway and Fargate serve.",
    )
    assign_public_ip: bool | None = Field(
        None,
        description="Whether tasks get a public IP address. Set false if `subnets` have a NAT. Default: true; false "
        "with `front_subnets`, since `subnets` are then private and an address would be paid for and unused.",
    )
    hosted_zone_id: ZoneId | None = Field(
        None, description="The Route 53 zone in which to create the record of network.domain."
    )
    certificate: CertificateArn | None = Field(
        None, description="An issued ACM certificate for network.domain, in the same region."
    )
    secret_keys: list[KeyArn] = Field(
        [], description="The ARNs of the customer managed KMS keys under which existing secrets are encrypted."
    )
    container_insights: bool = Field(False, description="Whether the cluster records Container Insights metrics.")

    @property
    def gives_public_ip(self) -> bool:
        """Whether tasks get a public address."""
        return not self.front_subnets if self.assign_public_ip is None else self.assign_public_ip
