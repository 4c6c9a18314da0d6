"""The image: built on the machine, or a reference that the machine pulls."""

from __future__ import annotations

import pulumi
import pulumi_docker as docker

from unmoor.plan import ImageReference
from unmoor.plan.image_recipe import image_recipe

from .context import Context
from .names import name


def image(context: Context) -> pulumi.Input[str]:
    """The containers' image: a name with a digest of the content, or the pulled image's id."""
    if isinstance(context.plan.image, ImageReference):
        return _pull(context, context.plan.image.reference)
    return _build(context)


def _pull(context: Context, reference: str) -> pulumi.Output[str]:
    """By its id, since the provider does not see that a tag has moved."""
    return docker.RemoteImage(
        context.logical("image"),
        name=reference,
        platform=_platform(context),
        keep_locally=True,
        opts=context.child,
    ).image_id


def _build(context: Context) -> pulumi.Output[str]:
    how = image_recipe(context.plan.image, arch=context.plan.run.arch, shipped_folder=context.options.image_context)
    reference = f"unmoor/{name(context.plan, 'image')}:{how.tag}"
    folder = context.options.path_of(reference, how.folder)
    return docker.Image(
        context.logical("image"),
        image_name=reference,
        build={
            "context": folder,
            "dockerfile": f"{folder}/Dockerfile",
            "args": dict(how.arguments),
            "platform": _platform(context),
        },
        skip_push=True,
        opts=context.child,
    ).image_name


def _platform(context: Context) -> str:
    return f"linux/{context.plan.run.arch}"
