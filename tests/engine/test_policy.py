"""The policy pack, judged by the engine over what the program registers."""

from __future__ import annotations

import json

import pulumi_random as random
import pytest
from deploys import ROOT, TARGETS, Deploy, deploy
from policy import startable
from pulumi import automation
from pulumi.automation import CommandError, ConfigValue
from real_engine import Engine

from unmoor.target import Override


def configured(stack: automation.Stack, **values: str) -> None:
    stack.set_all_config({f"unmoor:{key}": ConfigValue(value=value) for key, value in values.items()})


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_keeps_the_pack(engine: Engine, target: str) -> None:
    deployed = deploy(engine, "02-issue-triage", target)
    configured(deployed.stack, spec=str(ROOT / "examples" / "02-issue-triage"), target=target, env="default")
    with startable(engine.folder) as pack:
        assert set(deployed.up(policy_packs=[str(pack)]).changes) == {"create"}
    assert [e.policy_event.message for e in engine.events if e.policy_event] == []


def test_what_breaks_it_is_refused_by_name(engine: Engine) -> None:
    def program() -> None:
        for name in ("one", "two"):
            random.RandomId(name, byte_length=4)

    deployed = Deploy(engine=engine, agent="loose", stack=engine.stack("loose", "dev", program))
    with startable(engine.folder) as pack, pytest.raises(CommandError, match="2 resources have no parent"):
        deployed.preview(policy_packs=[str(pack)])


def test_a_right_that_nobody_is_promised_is_reported(engine: Engine) -> None:
    anything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    opened = Override(type="aws:iam/rolePolicy:RolePolicy", name="run", set={"policy": json.dumps(anything)})
    deployed = deploy(engine, "01-hello", "aws-ecs", settings=lambda s: s.model_copy(update={"overrides": [opened]}))
    configured(deployed.stack, spec=str(ROOT / "examples" / "01-hello"), target="aws-ecs", env="default")
    with startable(engine.folder) as pack:
        deployed.preview(policy_packs=[str(pack)])  # cannot know, and says nothing
        assert [e for e in engine.events if e.policy_event] == []
        deployed.up(policy_packs=[str(pack)])
    told = [e.policy_event for e in engine.events if e.policy_event]
    assert {(t.policy_name, t.enforcement_level) for t in told} == {("least-privilege", "advisory")}
    assert "run may delete the whole store" in {t.message.strip().split("\n")[-1] for t in told}
