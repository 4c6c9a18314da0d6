"""The program under plain `pulumi up`: what to deploy, and where, comes from the stack's config."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pulumi

from unmoor.compiled import override_check
from unmoor.errors import Problem, SpecError
from unmoor.load import DEFAULT_ENVIRONMENT, load
from unmoor.plan import Plan, Secret
from unmoor.settings import choose
from unmoor.stacks.program import program
from unmoor.target import Outputs


def deploy_from_config() -> Outputs:
    """Deploys `unmoor:spec` to `unmoor:target` in `unmoor:env`, which is the stack's name unless it is set.

    A stack whose name the spec does not declare as an environment is an error like any other: nothing is guessed.
    """
    config = pulumi.Config("unmoor")
    environment = config.get("env") or pulumi.get_stack()
    loaded = load(Path(config.require("spec")), None if environment == DEFAULT_ENVIRONMENT else environment)
    chosen = choose(loaded, config.require("target")).accepted()
    override_check(chosen, apart=True)
    value = partial(secret_value, folder=loaded.file.parent)
    return program(chosen.target, loaded.plan, chosen.settings, secret_value=value)


def secret_value(secret: Secret, *, folder: Path, set_by: str = "pulumi config set --secret") -> pulumi.Output[str]:
    """The value of a secret of whoever deploys, as a secret output; SpecError, with what to do, if it is not there.

    A file's path is relative to `folder`, the spec's; one line break at its end is not part of the value. `set_by` is
    the command that sets a secret of the stack's config.
    """
    if secret.source == "config":
        value = pulumi.Config("unmoor").get_secret(secret.reference) or pulumi.Config().get_secret(secret.reference)
        return value if value is not None else _missing(secret, f"{set_by} {secret.reference}")
    if secret.source == "env":
        text = os.environ.get(secret.reference, "")
        return pulumi.Output.secret(text) if text else _missing(secret, f"set the variable {secret.reference}")
    path = folder / secret.reference
    if not path.is_file():
        return _missing(secret, f"write it to {path}")
    return pulumi.Output.secret(path.read_text(encoding="utf-8").removesuffix("\n"))


def missing_values(plan: Plan, *, folder: Path) -> list[Problem]:
    """A problem for every secret of this machine that has no value; a secret of the stack's config is not looked up."""
    env = [s for s in plan.secrets if s.source == "env" and not os.environ.get(s.reference)]
    file = [s for s in plan.secrets if s.source == "file" and not (folder / s.reference).is_file()]
    found = [_problem(s, f"set the variable {s.reference}") for s in env]
    return found + [_problem(s, f"write it to {folder / s.reference}") for s in file]


def _missing(secret: Secret, remedy: str) -> pulumi.Output[str]:
    raise SpecError([_problem(secret, remedy)])


def _problem(secret: Secret, remedy: str) -> Problem:
    return Problem(path=f"secrets.{secret.name}", rule=f"{secret.origin} has no value", remedy=remedy)
