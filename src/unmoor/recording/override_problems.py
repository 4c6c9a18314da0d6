"""Checks that each override matches a resource and changes an input that it has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from unmoor.errors import Problem
from unmoor.graph import Resource
from unmoor.target import Override, override_matches
from unmoor.value_paths import parse_path


def override_problems(
    agent: str,
    target: str,
    overrides: Sequence[Override],
    resources: Sequence[Resource],
    inputs_of: Callable[[str], Collection[str]],
) -> Iterator[Problem]:
    """A problem for every override that matches nothing, names an unknown input, or changes nothing."""
    for index, override in enumerate(overrides):
        where = f"targets.{target}.overrides[{index}]"
        matched = [r for r in resources if override_matches(override, agent, r.type, r.name)]
        if not matched:
            rule = f"no resource is {override.type} {override.name}"
            yield Problem(where, rule, f"unmoor graph -t {target} lists the resources")
            continue
        for path in override.set:
            yield from _path_problems(where, path, override, matched, inputs_of)


def _path_problems(
    where: str, path: str, override: Override, matched: Sequence[Resource], inputs_of: Callable[[str], Collection[str]]
) -> Iterator[Problem]:
    first = str(parse_path(path)[0])
    if first not in inputs_of(override.type):
        rule = f"{override.type} has no input {first}"
        yield Problem(f"{where}.set", rule, "write one of its inputs, in camelCase")
    elif not any(_changes(resource, path) for resource in matched):
        rule = f"{path} already has this value"
        yield Problem(f"{where}.set", rule, "remove it")


def _changes(resource: Resource, path: str) -> bool:
    return any(p == path or p.startswith((f"{path}.", f"{path}[", f"{path}<")) for p in resource.overridden)
