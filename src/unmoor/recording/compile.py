"""Compiles a plan to a target's graph and checks the overrides; the only module of a command that needs the SDKs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from unmoor.errors import BrokenTargetError, Problem, RefusedError, UnmoorError
from unmoor.graph import Resource
from unmoor.spec.load import DEFAULT_ENVIRONMENT, load
from unmoor.target import Override, Target
from unmoor.target.choose import SelectedTarget, select_target
from unmoor.target.registry import distribution

from .override_problems import override_problems


def compile_graph(chosen: SelectedTarget) -> tuple[Resource, ...]:
    """The resources that the target creates for the plan.

    RefusedError if the target refuses the plan or an override does nothing; BrokenTargetError if an SDK is missing.
    """
    target, loaded = chosen.require_accepted().target, chosen.loaded
    try:
        from .of_target import graph_of
        from .stand_ins import input_names

        resources = graph_of(target, loaded.plan, chosen.settings)
    except ModuleNotFoundError as error:
        raise _missing_sdk_error(target, error) from error
    except UnmoorError:
        raise
    except Exception as error:  # a target may be third-party code, and its error must not affect other targets
        if found := loaded.with_positions(_override_rejections(chosen)):
            raise RefusedError(found) from error
        reason = f"{type(error).__name__}: {error}"
        raise BrokenTargetError(
            f"target {target.name} from {distribution(target.name)} failed to build: {reason}"
        ) from error
    problems = override_problems(loaded.plan.agent, target.name, chosen.settings.overrides, resources, input_names)
    if found := loaded.with_positions(problems):
        raise RefusedError(found)
    return resources


def _override_rejections(chosen: SelectedTarget) -> Iterator[Problem]:
    """A problem for each override that makes the build fail."""
    from .of_target import graph_of

    target, plan, settings = chosen.target, chosen.loaded.plan, chosen.settings

    def failure(overrides: list[Override]) -> str:
        try:
            graph_of(target, plan, settings.model_copy(update={"overrides": overrides}))
        except Exception as error:
            reason = str(error).strip().splitlines()[-1].rpartition("has risen: ")[2].partition(" at resource ")[0]
            return reason or type(error).__name__
        return ""

    if not settings.overrides or failure([]):
        return
    for index, override in enumerate(settings.overrides):
        if reason := failure([override]):
            where = f"targets.{target.name}.overrides[{index}].set"
            yield Problem(where, f"the SDK rejects it: {reason}", "correct the value's type")


def check_overrides(chosen: SelectedTarget, *, apart: bool = False) -> None:
    """RefusedError for overrides that do nothing, before anything is created.

    `apart` records the graph in another process, for use inside a running program: Pulumi's SDK runs one program at a
    time in a process.
    """
    if not chosen.settings.overrides:
        return
    if not apart:
        compile_graph(chosen)
        return
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        loaded = chosen.loaded
        pool.submit(
            _count_resources, loaded.file, loaded.plan.environment, dict(loaded.changes), chosen.target.name
        ).result()


def _count_resources(file: Path, environment: str, changes: Mapping[str, Any], target: str) -> int:
    loaded = load(file, None if environment == DEFAULT_ENVIRONMENT else environment, changes=changes)
    return len(compile_graph(select_target(loaded, target)))


def _missing_sdk_error(target: Target, error: ModuleNotFoundError) -> BrokenTargetError:
    missing = (error.name or "").split(".")[0]
    if target.extra and missing.startswith("pulumi"):
        return BrokenTargetError(f"target {target.name} needs {missing}: pip install '{target.extra}'")
    return BrokenTargetError(
        f"target {target.name} from {distribution(target.name)} needs {missing}, which is not installed"
    )
