"""Plans and graphs that the targets' tests share."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from unmoor.graph import Resource
from unmoor.plan import Plan
from unmoor.recording.of_target import record_target
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec
from unmoor.target import Settings
from unmoor.target.registry import load

FULL: dict[str, Any] = {
    "version": 1,
    "name": "agent",
    "harness": {"name": "claude-code"},
    "model": {"provider": "anthropic", "name": "m", "api_key": "model-key"},
    "context": {"repos": [{"url": "https://example.com/o/r", "credential": "repo-token"}]},
    "triggers": [
        {"name": "hook", "webhook": {"verify": {"scheme": "github", "secret": "hook-secret"}}, "prompt": "p"},
        {"name": "night", "schedule": {"cron": "0 3 * * *"}, "prompt": "p"},
    ],
    "secrets": {"model-key": {"env": "A"}, "repo-token": {"env": "B"}, "hook-secret": {"env": "C"}},
}


def plan_of(**changes: Any) -> Plan:
    """The full plan in `prod`, with parts of the spec replaced: run={...}, resources={...} and so on."""
    spec = copy.deepcopy(FULL)
    spec.update(changes)
    return make_plan(Spec.model_validate(spec), "prod")


def graph_of(target: str, plan: Plan, settings: Settings) -> tuple[Resource, ...]:
    """The graph that the target makes of the plan."""
    return record_target(load(target), plan, settings).resources


def changed(graph: Iterable[Resource], type_: str, name: str, **inputs: Any) -> tuple[Resource, ...]:
    """The graph with inputs of one resource replaced, as a mistake in a program would."""
    return tuple(
        dataclasses.replace(r, inputs={**r.inputs, **inputs}) if r.type == type_ and r.name == name else r
        for r in graph
    )


def one(graph: Iterable[Resource], type_: str, name: str) -> Mapping[str, Any]:
    """The inputs of one resource."""
    [found] = [r for r in graph if r.type == type_ and r.name == name]
    return found.inputs
