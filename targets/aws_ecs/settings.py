"""What a user may set for ECS alone."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from unmoor.target import Settings

Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
VpcId = Annotated[str, StringConstraints(pattern=r"^vpc-[0-9a-f]{8,17}$")]
SubnetId = Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-f]{8,17}$")]
ZoneId = Annotated[str, StringConstraints(pattern=r"^Z[0-9A-Z]{1,31}$")]
CertificateArn = Annotated[
    str, StringConstraints(pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]+$")
]


class EcsSettings(Settings):
    """Settings of `targets.aws-ecs`; an existing secret is placed by its ARN."""

    region: Region = Field(description="The AWS region, such as eu-west-1.")
    front: Literal["http-api", "alb"] = Field(
        "http-api",
        description="What the gateway stands behind: an HTTP API costs nothing at rest and cuts a request after 30 s; "
        "an ALB streams for up to 4000 s, has a monthly floor, and needs network.domain.",
    )
    vpc: VpcId | None = Field(None, description="An existing VPC; without it one with two public subnets is made.")
    subnets: list[SubnetId] = Field(
        [], description="Subnets of `vpc` in two zones or more, for tasks and for the front."
    )
    front_subnets: list[SubnetId] = Field(
        [], description="Public subnets of `vpc` for the ALB, where `subnets` are private."
    )
    assign_public_ip: bool = Field(
        True, description="Whether tasks get a public address; false where `subnets` have a NAT."
    )
    hosted_zone_id: ZoneId | None = Field(None, description="The Route 53 zone in which network.domain is made.")
    certificate: CertificateArn | None = Field(
        None, description="An issued certificate for network.domain, in the region."
    )
    container_insights: bool = Field(False, description="Whether the cluster records Container Insights metrics.")
