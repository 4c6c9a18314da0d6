"""The Pulumi program: it creates a target's resources for a plan and exports the outputs under fixed names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pulumi

from unmoor.local_folders import ensure_cache_folder
from unmoor.plan import Plan, Secret
from unmoor.plan.bundle import write_bundle
from unmoor.plan.image_recipe import image_context
from unmoor.plan.secret_version import secret_version
from unmoor.program.lazy_sdks import import_with_lazy_sdks
from unmoor.program.overrides import register_overrides
from unmoor.program.source_positions import omit_source_positions
from unmoor.target import BuildOptions, Outputs, Settings, Target


def program(
    target: Target,
    plan: Plan,
    settings: Settings,
    *,
    secret_value: Callable[[Secret], object],
    secret_version: Callable[[str, str, str], int] = secret_version,
    deployed_paths: Mapping[str, str] | None = None,
) -> Outputs:
    """Create the agent's resources in the running Pulumi program, export its outputs, and return them."""
    import_with_lazy_sdks(target.build_by.partition(":")[0])
    omit_source_positions()
    cache = ensure_cache_folder()
    register_overrides(plan.agent, settings.overrides)
    options = BuildOptions(
        bundle=write_bundle(plan, cache / "bundles"),
        image_context=str(image_context(cache)),
        secret_value=secret_value,
        secret_version=secret_version,
        deployed_paths=deployed_paths or {},
    )
    outputs = target.build(plan.agent, plan, settings, options)
    for output, value in outputs.present().items():
        pulumi.export(output, value)
    return outputs
