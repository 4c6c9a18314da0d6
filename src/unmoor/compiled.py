"""The graph of a chosen target, with the overrides judged; the one place where a command needs the SDKs."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from .errors import BrokenTargetError, RefusedError, UnmoorError
from .graph import Resource
from .load import DEFAULT_ENVIRONMENT, load
from .overrides import override_problems
from .registry import distribution
from .settings import Chosen, choose

# What to install for an SDK that is not there.
EXTRAS = {"pulumi_aws": "aws", "pulumi_azure_native": "azure", "pulumi_gcp": "gcp", "pulumi_docker": "vm"}


def compiled(chosen: Chosen) -> tuple[Resource, ...]:
    """The resources that the target makes of the plan.

    RefusedError if the target refuses it, or an override does nothing; BrokenTargetError, with what to install, if an
    SDK is not there.
    """
    target, loaded = chosen.accepted().target, chosen.loaded
    try:
        from .testing.computed import input_names
        from .testing.graphs import graph_of

        resources = graph_of(target, loaded.plan, chosen.settings)
    except ModuleNotFoundError as error:
        raise _not_installed(target.name, error) from error
    except UnmoorError:
        raise
    except Exception as error:  # a target is anybody's code, and its mistake must harm no other
        reason = f"{type(error).__name__}: {error}"
        raise BrokenTargetError(
            f"target {target.name} from {distribution(target.name)} failed to build: {reason}"
        ) from error
    problems = override_problems(loaded.plan.agent, target.name, chosen.settings.overrides, resources, input_names)
    if found := loaded.located(problems):
        raise RefusedError(found)
    return resources


def override_check(chosen: Chosen) -> None:
    """Refuses overrides that do nothing, before an engine starts; RefusedError says which.

    The graph is recorded in a process of its own: Pulumi's SDK runs one program at a time in a process.
    """
    if not chosen.settings.overrides:
        return
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        pool.submit(_recorded, chosen.loaded.file, chosen.loaded.plan.environment, chosen.target.name).result()


def _recorded(file: Path, environment: str, target: str) -> int:
    loaded = load(file, None if environment == DEFAULT_ENVIRONMENT else environment)
    return len(compiled(choose(loaded, target)))


def _not_installed(target: str, error: ModuleNotFoundError) -> BrokenTargetError:
    missing = (error.name or "").split(".")[0]
    if missing in EXTRAS or missing == "pulumi":
        extra = EXTRAS.get(missing, "all")
        return BrokenTargetError(f"target {target} needs {missing}: pip install 'unmoor[{extra}]'")
    return BrokenTargetError(f"target {target} from {distribution(target)} needs {missing}, which is not installed")
