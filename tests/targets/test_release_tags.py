"""A new release of unmoor updates the tags of what it rolls, and of nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from cases import graph_of, plan_of

from unmoor.plan import physical_names
from unmoor.target.registry import load

SETTINGS: dict[str, dict[str, Any]] = {
    "aws-ecs": {"region": "eu-west-1"},
    "azure-container-apps": {"location": "westeurope"},
    "gcp-cloud-run": {"project": "my-project", "region": "europe-west1"},
    "vm-docker": {"host": "local"},
}
ROLLED = {
    "aws-ecs": {"gateway"},
    "azure-container-apps": {"gateway"},
    "gcp-cloud-run": {"gateway", "guard"},
    "vm-docker": {"gateway-0", "gateway-1", "guard", "launcher", "proxy", "seed"},
}


@pytest.mark.parametrize("target", SETTINGS)
def test_a_new_release_changes_the_tags_of_what_it_rolls(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(target).settings.model_validate(SETTINGS[target])
    before = {(r.type, r.name): r.inputs for r in graph_of(target, plan_of(), settings)}
    monkeypatch.setattr(physical_names, "__version__", "9.9.9")
    after = {(r.type, r.name): r.inputs for r in graph_of(target, plan_of(), settings)}
    changed = {name.removeprefix("agent-") for type_, name in before if before[type_, name] != after[type_, name]}
    assert changed == ROLLED[target]
