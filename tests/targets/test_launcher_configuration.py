"""What each target tells its gateway is what a launcher is made of."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from cases import graph_of, plan_of

from unmoor.plan.bundle import config_json
from unmoor.runtime.config import read_config
from unmoor.runtime.gateway.launchers.choose import build_launcher, read_launcher_config
from unmoor.runtime.gateway.launchers.platform import PlatformLauncher
from unmoor.runtime.logs import null_log
from unmoor.target.registry import load

pytestmark = pytest.mark.slow

PLAN = plan_of()
SETTINGS: dict[str, dict[str, Any]] = {
    "aws-ecs": {"region": "eu-west-1"},
    "azure-container-apps": {"location": "westeurope"},
    "gcp-cloud-run": {"project": "my-project", "region": "europe-west1"},
    "vm-docker": {"host": "local"},
}
LAUNCHERS = {
    "aws-ecs": "ecs",
    "azure-container-apps": "container-apps",
    "gcp-cloud-run": "cloud-run",
    "vm-docker": "docker",
}


@pytest.mark.parametrize("target", SETTINGS)
def test_a_gateways_variables_make_the_launcher_of_its_platform(target: str) -> None:
    graph = graph_of(target, PLAN, load(target).settings(**SETTINGS[target]))
    variables = dict(pair for resource in graph for pair in pairs(resource.inputs))
    choice = read_launcher_config(variables)
    assert choice[0] == LAUNCHERS[target]
    made = build_launcher(
        choice, read_config(json.dumps(config_json(PLAN), default=str)), environment={}, extra={}, log=null_log
    )
    assert isinstance(made, PlatformLauncher)
    asyncio.run(made.close())


def pairs(value: Any) -> Iterator[tuple[str, str]]:
    """The variables of unmoor's anywhere in a resource's inputs, however it writes them."""
    if isinstance(value, Mapping):
        if str(value.get("name", "")).startswith("UNMOOR_LAUNCHER") and "value" in value:
            yield value["name"], value["value"]
        for inner in value.values():
            yield from pairs(inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from pairs(inner)
    elif isinstance(value, str) and value.startswith("UNMOOR_LAUNCHER") and "=" in value:
        name, _, text = value.partition("=")
        yield name, text
    elif isinstance(value, str) and value.startswith("[{"):
        yield from pairs(json.loads(value))
