"""Whatever fails, the next deploy goes on from there, and nothing is left that nobody knows of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from deploys import TARGETS, Deploy, Outcome, deploy
from pulumi.automation import CommandError
from real_engine import Engine
from test_changes import instructed
from test_examples import KEPT

CHECKPOINTS = True  # what is left of a command that failed or was stopped

EXAMPLE = "01-hello"
# More than a chain of resources that stand on each other is long.
MOST = 25


def insisted(deployed: Deploy, act: Callable[..., Outcome], kept: tuple[str, ...] = (), **options: Any) -> int:
    """Does it until it does not fail; how often it failed, each time with nothing lost but what is kept."""
    for failed in range(MOST):
        try:
            act(**options)
        except CommandError:
            assert [lost for lost in deployed.unaccounted() if lost.replace(" hello-", " ") not in kept] == []
        else:
            return failed
    raise AssertionError(f"still fails after {MOST} times")


@pytest.mark.parametrize("target", TARGETS)
def test_making_each_resource_may_fail_once(engine: Engine, target: str) -> None:
    deployed = deploy(engine, EXAMPLE, target)
    engine.cloud.fail_each("create", "update")
    assert insisted(deployed, deployed.up, continue_on_error=True) > 1
    engine.cloud.heal()
    assert set(deployed.up(refresh=True).changes) == {"same"}
    assert deployed.unaccounted() == []


# With continue_on_error the engine waits for ever where deleting what must go first fails, so it stops at each failure.
@pytest.mark.parametrize("target", ["aws-ecs", "vm-docker"])
def test_changing_and_deleting_each_resource_may_fail_once(engine: Engine, target: str) -> None:
    deploy(engine, EXAMPLE, target).up()
    changed = deploy(engine, EXAMPLE, target, change=instructed)
    kept = tuple(f"orphan: {k}" for k in KEPT[target])
    engine.cloud.fail_each("create", "update", "delete")
    assert insisted(changed, changed.up, kept) > 3
    engine.cloud.heal()
    assert set(changed.up().changes) == {"same"}
    engine.cloud.fail_each("delete")
    assert insisted(changed, changed.destroy, kept, continue_on_error=True) > 1
    assert {f"{t.type} {t.name.removeprefix('hello-')}" for t in engine.cloud.things()} == set(KEPT[target])
