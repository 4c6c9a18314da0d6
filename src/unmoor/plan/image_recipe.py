"""How an image is built: a folder, arguments, and a tag that identifies the content."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from .model import Image, ImageFolder, ShippedImage


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecipe:
    """The build's folder with a Dockerfile, its arguments, its platform, and a tag derived from the content."""

    folder: str
    arguments: tuple[tuple[str, str], ...]
    platform: str
    tag: str


def image_recipe(image: Image, *, arch: str, shipped_folder: str) -> ImageRecipe:
    """How to build an image that is not a reference; the name of `shipped_folder` is the digest of its content."""
    if isinstance(image, ShippedImage):
        inside = shipped_folder.rsplit("/", 1)[-1][:12]
        return ImageRecipe(
            folder=shipped_folder,
            arguments=(("HARNESS", image.harness), ("HARNESS_VERSION", image.version)),
            platform=f"linux/{arch}",
            tag=f"{image.harness}-{image.version}-{arch}-{inside}",
        )
    assert isinstance(image, ImageFolder), "a reference is not built"
    tag = f"own-{arch}-{content_digest(Path(image.folder))[:24]}"
    return ImageRecipe(folder=image.folder, arguments=(), platform=f"linux/{arch}", tag=tag)


def content_digest(folder: Path) -> str:
    """The digest of every file's path and content in the folder, in order."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(folder)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


# The modules that run in the container beside the runtime, which shares them with the compiler.
SHIPPED_MODULES = ("__init__.py", "container.py", "errors.py", "quantities.py", "cron.py", "py.typed")


def image_context(cache: Path) -> Path:
    """A folder with the shipped Dockerfile and all that it copies, named by the digest of its content."""
    package = Path(str(files("unmoor")))
    sources = {path.relative_to(package).as_posix(): path for path in _shipped_files(package)}
    digest = hashlib.sha256()
    for name, path in sorted(sources.items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    folder = cache / "images" / digest.hexdigest()[:32]
    if not folder.exists():
        _copy(package, sources, folder)
    return folder


def _shipped_files(package: Path) -> list[Path]:
    runtime = [p for p in (package / "runtime").rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    return [*(package / name for name in SHIPPED_MODULES), *runtime]


def _copy(package: Path, sources: dict[str, Path], folder: Path) -> None:
    """Copy to a temporary folder and rename it, so that another process never sees half of it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(dir=folder.parent))
    for name, path in sources.items():
        target = staging / "unmoor" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    shutil.copyfile(package / "runtime" / "Dockerfile", staging / "Dockerfile")
    try:
        staging.rename(folder)
    except OSError:
        shutil.rmtree(staging)
