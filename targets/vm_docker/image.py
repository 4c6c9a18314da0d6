"""The image: built on the machine, or a reference that the machine pulls."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pulumi
import pulumi_docker as docker

from unmoor.plan import Image, ImageFolder, ImageReference, ShippedImage

from .context import Context
from .names import name


def image(context: Context) -> pulumi.Input[str]:
    """What the containers run: a name with the content's digest in it, or the digest of what was pulled."""
    if isinstance(context.plan.image, ImageReference):
        return _pulled(context, context.plan.image.reference)
    return _built(context, context.plan.image)


def _pulled(context: Context, reference: str) -> pulumi.Output[str]:
    """By its id: a tag that moved would not be seen."""
    return docker.RemoteImage(
        context.logical("image"),
        name=reference,
        platform=_platform(context),
        keep_locally=True,
        opts=context.child,
    ).image_id


def _built(context: Context, image: Image) -> pulumi.Output[str]:
    folder = image.folder if isinstance(image, ImageFolder) else context.options.image_context
    return docker.Image(
        context.logical("image"),
        image_name=f"unmoor/{name(context.plan, 'image')}:{_tag(context, image)}",
        build=docker.DockerBuildArgs(
            context=folder,
            dockerfile=f"{folder}/Dockerfile",
            args=_arguments(image),
            platform=_platform(context),
        ),
        skip_push=True,
        opts=context.child,
    ).image_name


def _platform(context: Context) -> str:
    return f"linux/{context.plan.run.arch}"


def _arguments(image: Image) -> dict[str, pulumi.Input[str]]:
    if isinstance(image, ShippedImage):
        return {"HARNESS": image.harness, "HARNESS_VERSION": image.version}
    return {}


def _tag(context: Context, image: Image) -> str:
    """Another content is another name, which is what makes containers follow it."""
    if isinstance(image, ShippedImage):
        inside = context.options.image_context.rsplit("/", 1)[-1]
        return f"{image.harness}-{image.version}-{context.plan.run.arch}-{inside[:12]}"
    assert isinstance(image, ImageFolder)
    return f"own-{context.plan.run.arch}-{_content(Path(image.folder))[:24]}"


def _content(folder: Path) -> str:
    """The digest of every file in the folder, in order."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(folder)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
