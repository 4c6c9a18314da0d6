"""`unmoor build`."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import typer

from unmoor.errors import UnmoorError
from unmoor.files import image_context, made_cache_folder
from unmoor.load import load
from unmoor.plan import ImageReference
from unmoor.recipe import Recipe, recipe


def run(file: Path, environment: str | None, *, tag: str, base: str) -> None:
    """Builds the agent's image with this machine's Docker and prints its name, or says that there is none to build."""
    plan = load(file, environment).plan
    if isinstance(plan.image, ImageReference):
        typer.echo(f"{plan.image.reference} is used as it is; there is nothing to build")
        return
    how = recipe(plan.image, arch=plan.run.arch, shipped_folder=str(image_context(made_cache_folder())))
    name = tag or f"unmoor/{plan.agent}:{how.tag}"
    _build(arguments(how, name=name, base=base))
    typer.echo(name)


def arguments(how: Recipe, *, name: str, base: str) -> list[str]:
    """Docker's command line for a recipe; `base` is another image to build on, or empty."""
    given = [*how.arguments, *((("BASE", base),) if base else ())]
    build_arguments = [part for key, value in given for part in ("--build-arg", f"{key}={value}")]
    return ["docker", "build", "--platform", how.platform, *build_arguments, "--tag", name, how.folder]


def _build(command: Sequence[str]) -> None:
    if shutil.which(command[0]) is None:
        raise UnmoorError("unmoor build needs Docker; install it, or give image: a reference")
    built = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    if built.returncode != 0:
        raise UnmoorError(f"docker build failed with exit code {built.returncode}; what it said is above")
