"""What AWS refuses does not stop a deployment that can be made."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from aws_rules import ZONES, PushedTags, Quotas, Throttles, Zone, Zones, cluster_in_use
from deploys import deploy
from lifecycles import Life
from pulumi.automation import CommandError
from real_engine import Engine

from unmoor.plan import Plan
from unmoor.stacks.failures import DeployError
from unmoor.target import Settings

SUBNET = "aws:ec2/subnet:Subnet"
# us-east-1: API Gateway has no VPC link in use1-az3.
IDS = [f"use1-az{n}" for n in range(1, 7)]
LOCAL = Zone(name="us-east-1-atl-1a", id="use1-atl1-az1", local=True, vpc_links=False)


def dealt(order: tuple[int, ...]) -> Zones:
    """An account whose letters a, b, c... stand for these zones, with a Local Zone that it has opted in to."""
    letters = [
        Zone(name=f"us-east-1{letter}", id=IDS[n], vpc_links=IDS[n] != "use1-az3")
        for letter, n in zip("abcdef", order, strict=False)
    ]
    return Zones(of_account=[LOCAL, *letters])


@pytest.mark.parametrize("first", list(itertools.permutations(range(3), 2)))
def test_a_vpc_link_finds_its_zones_whatever_letters_the_account_has(engine: Engine, first: tuple[int, int]) -> None:
    zones = dealt((*first, *(n for n in range(6) if n not in first)))
    engine.cloud.rules.append(zones)
    engine.cloud.answers[ZONES] = zones.look_up
    deploy(engine, "01-hello", "aws-ecs").up()
    used = [t.inputs["availabilityZone"] for t in engine.cloud.things() if t.type == SUBNET]
    assert len(set(used)) == 2


def test_a_zone_that_is_impaired_for_a_while_moves_no_subnet(engine: Engine) -> None:
    deployed = deploy(engine, "01-hello", "aws-ecs")
    zones = dealt((0, 1, 3))
    engine.cloud.answers[ZONES] = zones.look_up
    deployed.up()
    engine.cloud.answers[ZONES] = Zones(of_account=[z for z in zones.of_account if z.id != "use1-az1"]).look_up
    assert set(deployed.up().changes) == {"same"}


def test_the_users_zones_are_used_and_nothing_is_looked_up(engine: Engine) -> None:
    def chosen(settings: Settings) -> Settings:
        return settings.model_copy(update={"zones": ["euw1-az2", "euw1-az3"]})

    deploy(engine, "01-hello", "aws-ecs", settings=chosen).up()
    used = [t.inputs["availabilityZoneId"] for t in engine.cloud.things() if t.type == SUBNET]
    assert used == ["euw1-az2", "euw1-az3"]
    assert ZONES not in {asked.type for asked in engine.cloud.journal}


def test_another_machine_builds_the_image_again_and_may_push_it(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.cloud.rules.append(PushedTags())
    for machine in ("laptop", "ci", "laptop"):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / machine))
        deploy(engine, "01-hello", "aws-ecs").up()


def test_a_refused_zone_stops_the_deployment(engine: Engine) -> None:
    engine.cloud.rules.append(Zones(of_account=[Zone(name=f"eu-west-1{x}", id=x, vpc_links=x != "b") for x in "abc"]))
    with pytest.raises(CommandError, match="is in Availability Zone 'b' where service is not available"):
        deploy(engine, "01-hello", "aws-ecs").up()


@pytest.mark.parametrize(("before", "after"), [((1, 1), (3, 3)), ((1, 2), (2, 2)), ((3, 3), (1, 1))])
def test_the_number_of_gateways_follows_the_spec_where_nothing_scales_them(
    engine: Engine, before: tuple[int, int], after: tuple[int, int]
) -> None:
    def between(least: int, most: int) -> Callable[[Plan], Plan]:
        return lambda plan: replace(plan, gateway=replace(plan.gateway, min=least, max=most))

    deploy(engine, "01-hello", "aws-ecs", change=between(*before)).up()
    deploy(engine, "01-hello", "aws-ecs", change=between(*after)).up()
    [service] = [t for t in engine.cloud.things() if t.type == "aws:ecs/service:Service"]
    assert service.inputs["desiredCount"] == after[0]


def test_a_deployment_leaves_the_number_that_was_scaled_to(engine: Engine) -> None:
    def scaled(least: int) -> Callable[[Plan], Plan]:
        return lambda plan: replace(plan, gateway=replace(plan.gateway, min=least, max=5))

    deploy(engine, "01-hello", "aws-ecs", change=scaled(1)).up()
    deploy(engine, "01-hello", "aws-ecs", change=scaled(2)).up()  # the scaling target starts the second one
    [service] = [t for t in engine.cloud.things() if t.type == "aws:ecs/service:Service"]
    assert service.inputs["desiredCount"] == 1


@pytest.mark.parametrize(
    ("type_", "before", "remedy"),
    [
        ("aws:ec2/vpc:Vpc", 5, r"VpcLimitExceeded.*; set targets\.aws-ecs\.vpc and subnets to an existing VPC"),
        ("aws:apigatewayv2/vpcLink:VpcLink", 10, r"VPC links.*; set targets\.aws-ecs\.vpc_link_id and vpc_link_sec"),
    ],
)
def test_a_full_account_is_told_how_agents_share(engine: Engine, type_: str, before: int, remedy: str) -> None:
    engine.cloud.rules.append(Quotas(before={type_: before}))
    with pytest.raises(DeployError, match=remedy):
        Life(engine=engine, example="01-hello", target="aws-ecs").up()


def test_the_last_room_of_an_account_is_enough(engine: Engine) -> None:
    engine.cloud.rules.append(Quotas(before={"aws:ec2/vpc:Vpc": 4, "aws:apigatewayv2/vpcLink:VpcLink": 9}))
    Life(engine=engine, example="01-hello", target="aws-ecs").up()


@pytest.mark.parametrize(
    ("target", "type_", "text", "seconds"),
    [
        ("aws-ecs", "aws:ecs/cluster:Cluster", "ThrottlingException: Rate exceeded", 60),
        ("aws-ecs", "aws:ecs/service:Service", "Unable to assume the service linked role. Please verify", 30),
        ("azure-container-apps", "azure-native:app:ContainerApp", 'Code="TooManyRequests" Message="429"', 60),
        ("gcp-cloud-run", "gcp:cloudrunv2/job:Job", "googleapi: Error 429: RESOURCE_EXHAUSTED", 60),
        ("gcp-cloud-run", "gcp:cloudrunv2/job:Job", "rpc error: code = ResourceExhausted desc = Quota exceeded", 60),
    ],
)
def test_an_error_that_passes_is_waited_for_once(
    engine: Engine, target: str, type_: str, text: str, seconds: int
) -> None:
    life = Life(engine=engine, example="03-nightly-report", target=target)
    engine.cloud.rules.append(Throttles(type_=type_, text=text))
    life.up()
    assert life.waits == [seconds]


def test_throttling_that_lasts_ends_it_after_one_wait_with_what_to_do(engine: Engine) -> None:
    life = Life(engine=engine, example="01-hello", target="aws-ecs")
    engine.cloud.rules.append(Throttles(type_="aws:ecs/cluster:Cluster", text="Throttled: Rate exceeded", left=9))
    with pytest.raises(DeployError, match="AWS limits requests: run this again in a minute"):
        life.up()
    assert life.waits == [60]


def test_down_deletes_a_service_before_what_its_tasks_are_in(engine: Engine) -> None:
    life = Life(engine=engine, example="02-issue-triage", target="aws-ecs")
    engine.cloud.rules.append(cluster_in_use)
    life.up()
    life.down(destroy_data=True)
    assert {t.type for t in engine.cloud.things()} <= {"aws:s3/bucketObjectv2:BucketObjectv2"}
