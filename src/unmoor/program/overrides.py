"""A user's overrides as a Pulumi transform over every resource of the stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi.runtime import register_resource_transform

from unmoor.target import Override, override_matches
from unmoor.value_paths import set_at_path


def register_overrides(agent: str, overrides: Sequence[Override]) -> None:
    """Change the inputs of every resource that an override matches and that is registered from now on."""
    if not overrides:
        return

    def transform(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        inputs = apply_overrides(agent, overrides, args.type_, args.name, dict(args.props))
        return None if inputs is None else pulumi.ResourceTransformResult(props=inputs, opts=args.opts)

    register_resource_transform(transform)


def apply_overrides(
    agent: str, overrides: Sequence[Override], type_: str, name: str, inputs: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The inputs after every override that matches the resource, or None if none does."""
    result: dict[str, Any] | None = None
    for override in overrides:
        if override_matches(override, agent, type_, name):
            for path, value in override.set.items():
                result = set_at_path(inputs if result is None else result, path, value)
    return result
