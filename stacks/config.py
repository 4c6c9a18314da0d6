"""The program of plain `pulumi up`, configured by the stack's config."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pulumi

from unmoor.errors import Problem, SpecError
from unmoor.plan import Plan, Secret
from unmoor.plan.local_secrets import read_from_source
from unmoor.program.program import program
from unmoor.recording.compile import check_overrides
from unmoor.spec.load import DEFAULT_ENVIRONMENT, load
from unmoor.stacks.stack_outputs import KEPT_CONFIG
from unmoor.target import Outputs
from unmoor.target.choose import SelectedTarget, select_target


def deploy_from_config() -> Outputs:
    """Deploy `unmoor:spec` to `unmoor:target` in the environment `unmoor:env` (default: the stack's name).

    An environment that the spec does not declare is an error.
    """
    config = pulumi.Config("unmoor")
    environment = config.get("env") or pulumi.get_stack()
    loaded = load(Path(config.require("spec")), None if environment == DEFAULT_ENVIRONMENT else environment)
    chosen = select_target(loaded, config.require("target")).require_accepted()
    check_overrides(chosen, apart=True)
    value = partial(secret_value, folder=loaded.file.parent)
    return program(chosen.target, loaded.plan, chosen.settings, secret_value=value)


def deploy_and_keep_config(
    chosen: SelectedTarget, *, set_by: str, deployed_paths: Mapping[str, str], deployed_config: Mapping[str, str]
) -> Outputs:
    """Deploys, and keeps the secrets of the stack's config as a secret output: the config lies on one machine, and the
    state is where every machine finds it. `deployed_config` is that output of the state."""
    loaded = chosen.loaded
    value = partial(secret_value, folder=loaded.file.parent, set_by=set_by, deployed=deployed_config)
    outputs = program(chosen.target, loaded.plan, chosen.settings, secret_value=value, deployed_paths=deployed_paths)
    if kept := {secret.reference: value(secret) for secret in loaded.plan.secrets if secret.source == "config"}:
        pulumi.export(KEPT_CONFIG, pulumi.Output.all(**kept))
    return outputs


def secret_value(
    secret: Secret,
    *,
    folder: Path,
    set_by: str = "pulumi config set --secret",
    deployed: Mapping[str, str] | None = None,
) -> pulumi.Output[str]:
    """The value of a secret of the deploying user, as a secret output; SpecError if it is missing.

    A file's path is relative to `folder`, the spec's; one line break at its end is removed. `set_by` is the command
    that sets a secret of the stack's config; `deployed` holds the values that were deployed last, by their keys.
    """
    if secret.source != "config":
        if (problem := _missing_problem(secret, folder)) is not None:
            raise SpecError([problem])
        return pulumi.Output.secret(read_from_source(secret, folder))
    value = pulumi.Config("unmoor").get_secret(secret.reference) or pulumi.Config().get_secret(secret.reference)
    if value is None and deployed and secret.reference in deployed:
        return pulumi.Output.secret(deployed[secret.reference])
    if value is None:
        raise SpecError([_problem(secret, f"{set_by} {secret.reference}")])
    return value


def missing_secret_problems(plan: Plan, *, folder: Path) -> list[Problem]:
    """A problem for every environment variable or file of a secret that is missing on this machine."""
    return [problem for secret in plan.secrets if (problem := _missing_problem(secret, folder)) is not None]


def _missing_problem(secret: Secret, folder: Path) -> Problem | None:
    """The problem that a variable or file of this machine is missing, or None."""
    if secret.source == "env" and not os.environ.get(secret.reference):
        return _problem(secret, f"set the variable {secret.reference}")
    path = folder / secret.reference
    return _problem(secret, f"write it to {path}") if secret.source == "file" and not path.is_file() else None


def _problem(secret: Secret, remedy: str) -> Problem:
    return Problem(f"secrets.{secret.name}", f"{secret.source_label} has no value", remedy)
