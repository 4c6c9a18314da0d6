"""Every example lives and ends on AWS with the printed deployer role, enforced call by call, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_rights import only_allows
from deploys import ROOT, deploy
from pulumi.automation import CommandError
from real_engine import Engine
from test_changes import instructed
from test_examples import EXAMPLES

from unmoor.recording.compile import compile_graph
from unmoor.spec.load import load
from unmoor.target import Settings
from unmoor.target.choose import select_target

TARGET = "aws-ecs"


def printed(example: str) -> dict[str, Any]:
    """What `unmoor deployer` prints for the example."""
    chosen = select_target(load(ROOT / "examples" / example), TARGET)
    return dict(chosen.target.deployer_policy(chosen.loaded.plan, chosen.settings, compile_graph(chosen)))


def destroying(settings: Settings) -> Settings:
    return settings.model_copy(update={"destroy_data": True})


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_printed_role_is_enough_for_a_whole_life(engine: Engine, example: str) -> None:
    engine.cloud.rules.append(only_allows(printed(example)))
    deployed = deploy(engine, example, TARGET)
    deployed.up()
    assert set(deployed.up().changes) == {"same"}
    deployed.refresh()
    changed = deploy(engine, example, TARGET, change=instructed)
    assert "update" in changed.up().changes or "replace" in changed.up().changes
    changed.destroy()
    changed.up()
    ending = deploy(engine, example, TARGET, change=instructed, settings=destroying)
    ending.up()
    ending.destroy()
    first_life = [t for t in engine.cloud.things() if t.type == "aws:s3/bucket:Bucket"]
    assert len(first_life) == 1  # the first `down` keeps its data; the second life has a store of its own


@pytest.mark.parametrize(
    "action",
    [
        "ec2:DescribeAvailabilityZones",
        "ecs:ListServiceDeployments",
        "ecs:DescribeServiceDeployments",
        "cloudwatch:PutMetricAlarm",
        "iam:PassRole",
        "s3:ListTagsForResource",
    ],
)
def test_without_one_right_the_deployment_fails_and_names_it(engine: Engine, action: str) -> None:
    document = printed("01-hello")
    for statement in document["Statement"]:
        statement["Action"] = [a for a in statement["Action"] if a != action]
    engine.cloud.rules.append(only_allows(document))
    with pytest.raises(CommandError, match=f"is not authorized to perform: {action} on resource: "):
        deploy(engine, "01-hello", TARGET).up()


def test_the_longest_printed_policy_fits_into_a_role() -> None:
    """10,240 characters without white space: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
    sizes = {e: len(json.dumps(printed(e), separators=(",", ":"))) for e in EXAMPLES}
    assert max(sizes.values()) <= 10240, sizes
