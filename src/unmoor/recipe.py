"""What an image is built from: a folder, arguments, and a tag that tells one content from another."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from .plan import Image, ImageFolder, ShippedImage


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecipe:
    """The build's folder, which holds a Dockerfile; its arguments; its platform; a tag that its content decides."""

    folder: str
    arguments: tuple[tuple[str, str], ...]
    platform: str
    tag: str


def image_recipe(image: Image, *, arch: str, shipped_folder: str) -> ImageRecipe:
    """How to build an image that is not a reference; `shipped_folder` is named by the digest of what it holds."""
    if isinstance(image, ShippedImage):
        inside = shipped_folder.rsplit("/", 1)[-1][:12]
        return ImageRecipe(
            folder=shipped_folder,
            arguments=(("HARNESS", image.harness), ("HARNESS_VERSION", image.version)),
            platform=f"linux/{arch}",
            tag=f"{image.harness}-{image.version}-{arch}-{inside}",
        )
    assert isinstance(image, ImageFolder), "a reference is used as it is"
    tag = f"own-{arch}-{content_digest(Path(image.folder))[:24]}"
    return ImageRecipe(folder=image.folder, arguments=(), platform=f"linux/{arch}", tag=tag)


def content_digest(folder: Path) -> str:
    """The digest of every file's path and content in the folder, in order."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(folder)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
