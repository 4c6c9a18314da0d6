"""What a change rolls: that alone, on every target, and back again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from deploys import TARGETS, deploy
from real_engine import Engine

from unmoor.plan import Plan

EXAMPLE = "02-issue-triage"
# The bundle is another one, so whatever is told its digest is made anew, or gets a new revision.
ROLLS = {
    "aws-ecs": [
        "replace aws:ecs/taskDefinition:TaskDefinition gateway",
        "replace aws:ecs/taskDefinition:TaskDefinition run",
        "replace aws:s3/bucketObjectv2:BucketObjectv2 bundle",
        "update aws:ecs/service:Service gateway",
    ],
    "azure-container-apps": [
        "replace azure-native:storage:Blob bundle",
        "replace random:index/randomId:RandomId bundle",
        "update azure-native:app:ContainerApp gateway",
        "update azure-native:app:Job run",
    ],
    "gcp-cloud-run": [
        "replace gcp:storage/bucketObject:BucketObject bundle",
        "update gcp:cloudrunv2/job:Job run",
        "update gcp:cloudrunv2/service:Service gateway",
        "update gcp:cloudrunv2/service:Service guard",
    ],
    "vm-docker": [
        "replace docker:index/container:Container gateway-0",
        "replace docker:index/container:Container gateway-1",
        "replace docker:index/container:Container guard",
        "replace docker:index/container:Container launcher",
        "replace docker:index/container:Container seed",
    ],
}
# What a run's size is told to; the gateway on AWS is told the run's new task definition.
RESIZES = {
    "aws-ecs": [
        "replace aws:ecs/taskDefinition:TaskDefinition gateway",
        "replace aws:ecs/taskDefinition:TaskDefinition run",
        "update aws:ecs/service:Service gateway",
    ],
    "azure-container-apps": ["update azure-native:app:Job run"],
    "gcp-cloud-run": ["update gcp:cloudrunv2/job:Job run"],
    "vm-docker": ["replace docker:index/container:Container launcher"],
}


def as_it_is(plan: Plan) -> Plan:
    return plan


def instructed(plan: Plan) -> Plan:
    return replace(plan, instructions=f"{plan.instructions}\nBe brief.\n")


def stronger(plan: Plan) -> Plan:
    return replace(plan, run=replace(plan.run, cpu=plan.run.cpu * 2, memory_mib=plan.run.memory_mib * 2))


@pytest.mark.parametrize("target", TARGETS)
def test_a_change_rolls_what_it_touches_and_so_does_going_back(engine: Engine, target: str) -> None:
    deploy(engine, EXAMPLE, target).up()
    for change, rolls in ((instructed, ROLLS), (as_it_is, ROLLS), (stronger, RESIZES)):
        changed = deploy(engine, EXAMPLE, target, change=change)
        assert [step.replace(f" {changed.agent}-", " ") for step in changed.up().steps] == rolls[target]
    assert set(changed.up().changes) == {"same"}
    # What is left is the bundles that a container may still be reading.
    assert {orphan.split(" ")[-1] for orphan in changed.unaccounted()} <= {f"{changed.agent}-bundle"}
