"""What an AWS account's quotas leave, asked of botocore's clients with answers that its models accept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from botocore.session import Session
from botocore.stub import Stubber

from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec
from unmoor.targets.aws_ecs.quotas import quota_findings
from unmoor.targets.aws_ecs.settings import EcsSettings

SPEC = {"version": 1, "name": "hello", "harness": {"name": "command", "command": ["cat"]}}
SHARED = {"vpc": "vpc-12345678", "subnets": ["subnet-12345678", "subnet-23456789"], "vpc_link_id": "abcd1234"}


class Account:
    """Clients of one account, which has used and may use so much; `refused` refuses every call."""

    def __init__(self, *, vpcs: int = 1, links: int = 0, vcpus: float = 16, refused: bool = False) -> None:
        self.answers: dict[str, Iterator[tuple[str, dict[str, Any], dict[str, str]]]] = {
            "ec2": iter([("describe_vpcs", {"Vpcs": [{"VpcId": f"vpc-{n:08}"} for n in range(vpcs)]}, {})]),
            "apigatewayv2": iter(
                [("get_vpc_links", {"Items": [self.link(n) for n in range(links)]}, {"MaxResults": "100"})]
            ),
            "service-quotas": iter(
                ("get_service_quota", {"Quota": {"Value": value}}, {"ServiceCode": service, "QuotaCode": code})
                for service, code, value in (("vpc", "L-F678F1CE", 5.0), ("fargate", "L-3032A538", vcpus))
                if service != "vpc" or vpcs
            ),
        }
        self.refused = refused

    @staticmethod
    def link(number: int) -> dict[str, Any]:
        return {"Name": "x", "SecurityGroupIds": [], "SubnetIds": [], "VpcLinkId": str(number)}

    def connect(self, service: str) -> Any:
        session = Session()
        session.set_credentials("key", "secret")
        client = session.create_client(service, region_name="eu-west-1")
        stubber = Stubber(client)
        method, answer, asked = next(self.answers[service])
        if self.refused:
            stubber.add_client_error(method, "AccessDeniedException", "User is not authorized")
        else:
            stubber.add_response(method, answer, asked)
        stubber.activate()
        return client


def findings(account: Account, settings: dict[str, Any] | None = None, **spec: Any) -> list[tuple[str, str]]:
    plan = make_plan(Spec.model_validate(SPEC | spec), "prod")
    chosen = EcsSettings.model_validate({"region": "eu-west-1", **(settings or {})})
    return [(f.state, str(f)) for f in quota_findings(plan, chosen, account.connect)]


def test_an_empty_account_has_room() -> None:
    assert findings(Account()) == [
        ("fine", "1 of 5 VPCs in eu-west-1"),
        ("fine", "0 of 10 VPC links in eu-west-1, unless AWS has raised the quota"),
        ("fine", "the agent may use 4.5 of 16 vCPU of Fargate On-Demand in eu-west-1"),
    ]


def test_a_full_account_is_a_note_with_what_to_do() -> None:
    assert findings(Account(vpcs=5, links=10, vcpus=4)) == [
        (
            "note",
            "5 of 5 VPCs in eu-west-1; for another agent, set vpc and subnets to an existing VPC, or request a larger quota",
        ),
        (
            "note",
            "10 of 10 VPC links in eu-west-1, unless AWS has raised the quota; for another agent, set vpc_link_id to an "
            "existing link, or request a larger quota",
        ),
        (
            "note",
            "the agent may use 4.5 of 4 vCPU of Fargate On-Demand in eu-west-1; request a larger quota, or lower "
            "run.max_concurrent",
        ),
    ]


def test_an_identity_that_may_not_ask_is_told_so() -> None:
    found = findings(Account(refused=True))
    assert {state for state, _ in found} == {"note"}
    assert all("cannot tell what the quota leaves: AWS refused" in said for _, said in found)


def test_what_is_shared_is_not_counted() -> None:
    link = {"vpc_link_security_group": "sg-12345678"}
    assert [said.split(" ")[-3] for _, said in findings(Account(vpcs=0), {**SHARED, **link})] == ["On-Demand"]


def test_runs_in_the_gateway_need_no_tasks_of_their_own() -> None:
    said = findings(Account(), run={"isolation": "process"})[2][1]
    assert said == "the agent may use 4 of 16 vCPU of Fargate On-Demand in eu-west-1"
