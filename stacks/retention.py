"""What a state says of its resources: those that stay on `down`, with their data, and those that never worked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unmoor.deploy.agent_parts import holds_data, part_of
from unmoor.deploy.engine_events import ResourceStep
from unmoor.stacks.engine_wire_format import STACK, type_and_name
from unmoor.target import PartMapping


@dataclass(frozen=True, slots=True, kw_only=True)
class DownPlan:
    """What `down` does: the URNs that it deletes, the resources with `data` that stay, and the URNs that the engine
    retains on deletion."""

    deleted: tuple[str, ...]
    data: tuple[ResourceStep, ...]
    retained: tuple[str, ...]


def plan_down(agent: str, deployment: Mapping[str, Any], serving: Sequence[PartMapping]) -> DownPlan:
    """Split a state's resources: those of the store, those that the engine retains, and their dependencies stay."""
    resources = [r for r in deployment.get("resources") or () if r["type"] != STACK]
    by_urn = {str(r["urn"]): r for r in resources}
    data = [r for r in resources if r.get("retainOnDelete") or holds_data(agent, *_key(r), serving)]
    beside = [r for r in resources if data and part_of(agent, *_key(r), serving) == "store" and _key(r)[1] != agent]
    staying = set(_with_needs([*data, *beside], by_urn))
    return DownPlan(
        deleted=tuple(urn for urn in by_urn if urn not in staying),
        data=tuple(_step(r) for r in data),
        retained=tuple(str(r["urn"]) for r in resources if r.get("retainOnDelete")),
    )


def never_ready(deployment: Mapping[str, Any], outputs: Mapping[str, str]) -> tuple[str, ...]:
    """The URNs of resources that failed and have never worked: their type's output in `outputs` is empty."""
    return tuple(
        str(r["urn"])
        for r in deployment.get("resources") or ()
        if r.get("initErrors") and r["type"] in outputs and not (r.get("outputs") or {}).get(outputs[r["type"]])
    )


def has_gateway(agent: str, deployment: Mapping[str, Any]) -> bool:
    """Whether the state has a gateway; after `down` it holds only what was retained."""
    resources = [
        r for r in deployment.get("resources") or () if r.get("custom") and not r["type"].startswith("pulumi:")
    ]
    return any(part_of(agent, *_key(r), ()) == "gateway" for r in resources)


def _with_needs(resources: Iterable[Mapping[str, Any]], by_urn: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """These resources and all that they depend on: parents, providers and dependencies."""
    waiting, seen = [str(r["urn"]) for r in resources], set[str]()
    while waiting:
        urn = waiting.pop()
        if urn in seen or urn not in by_urn:
            continue
        seen.add(urn)
        yield urn
        resource = by_urn[urn]
        waiting += [str(resource.get("parent", "")), str(resource.get("provider", "")).rpartition("::")[0]]
        waiting += resource.get("dependencies") or []
        waiting += [u for urns in (resource.get("propertyDependencies") or {}).values() for u in urns or ()]


def _key(resource: Mapping[str, Any]) -> tuple[str, str]:
    return type_and_name(str(resource["urn"]))


def _step(resource: Mapping[str, Any]) -> ResourceStep:
    type_, name = _key(resource)
    return ResourceStep(op="keep", phase="done", type=type_, name=name, retained=True, id=str(resource.get("id", "")))
