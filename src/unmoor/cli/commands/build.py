"""`unmoor build`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from unmoor.errors import UnmoorError
from unmoor.local_folders import ensure_cache_folder
from unmoor.plan import ImageReference, Plan
from unmoor.plan.image_recipe import ImageRecipe, image_context, image_recipe
from unmoor.spec.load import load


def run(file: Path, environment: str | None, *, tag: str, base: str) -> None:
    """Builds the agent's image with this machine's Docker and prints its name, if the spec has an image to build."""
    plan = load(file, environment).plan
    if isinstance(plan.image, ImageReference):
        typer.echo(f"{plan.image.reference} is used unchanged; nothing to build")
        return
    how = _recipe(plan)
    name = tag or _name(plan, how)
    _build(arguments(how, name=name, base=base))
    typer.echo(name)


def build_image(plan: Plan) -> str:
    """The name of the agent's image on this machine; builds it if it is missing."""
    if isinstance(plan.image, ImageReference):
        return plan.image.reference
    how = _recipe(plan)
    name = _name(plan, how)
    _needs_docker()
    there = subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False)
    if there.returncode != 0:
        _build(arguments(how, name=name, base=""))
    return name


def arguments(how: ImageRecipe, *, name: str, base: str) -> list[str]:
    """Docker's command line for a recipe; `base` is another image to build on, or empty."""
    given = [*how.arguments, *((("BASE", base),) if base else ())]
    build_arguments = [part for key, value in given for part in ("--build-arg", f"{key}={value}")]
    return ["docker", "build", "--platform", how.platform, *build_arguments, "--tag", name, how.folder]


def _recipe(plan: Plan) -> ImageRecipe:
    return image_recipe(plan.image, arch=plan.run.arch, shipped_folder=str(image_context(ensure_cache_folder())))


def _name(plan: Plan, how: ImageRecipe) -> str:
    return f"unmoor/{plan.agent}:{how.tag}"


def _build(command: Sequence[str]) -> None:
    """Runs the build; Docker's output goes to standard error, so that standard output is only the image's name."""
    _needs_docker()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise UnmoorError(f"docker build failed with exit code {done.returncode}; its output is above")


def _needs_docker() -> None:
    if shutil.which("docker") is None:
        raise UnmoorError("docker is not installed; install it, or drop the option that needs it")
