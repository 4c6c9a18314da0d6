"""Where a deploy goes is said once, in the provider that the target makes: no other is used, and a wrong place ends it early."""

from __future__ import annotations

import pytest
from deploys import TARGETS, deploy
from pulumi.automation import CommandError, ConfigValue
from real_engine import Engine


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_leaks_to_a_default_provider(engine: Engine, target: str) -> None:
    """Drawing a name, and building an image, happen nowhere; all else must go through the target's provider."""
    deployed = deploy(engine, "02-issue-triage", target)
    elsewhere = '["aws", "azure-native", "command", "docker", "gcp"]'
    deployed.stack.set_config("pulumi:disable-default-providers", ConfigValue(value=elsewhere))
    assert set(deployed.up().changes) == {"create"}


@pytest.mark.parametrize(
    ("target", "field", "said"),
    [
        ("aws-ecs", "region", "invalid AWS Region: mars-north-1"),
        ("gcp-cloud-run", "region", "invalid GCP Region: mars-north-1"),
    ],
)
def test_an_unknown_region_ends_it_before_anything_is_made(engine: Engine, target: str, field: str, said: str) -> None:
    deployed = deploy(engine, "01-hello", target, settings=lambda s: s.model_copy(update={field: "mars-north-1"}))
    for act in (deployed.preview, deployed.up):
        with pytest.raises(CommandError, match=said):
            act()
    assert [t for t in engine.cloud.things() if not t.type.startswith("random:")] == []
