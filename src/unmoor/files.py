"""Where unmoor puts what it makes on this machine: content-addressed, so that it can be deleted at any time."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path

from .errors import UnmoorError

# What the spec is called in its folder.
SPEC_FILE = "unmoor.yaml"
# What of unmoor runs inside the container: the runtime, and the few modules that it shares with the compiler.
SHIPPED_MODULES = ("__init__.py", "container.py", "errors.py", "quantities.py", "cron.py", "py.typed")


def cache_folder() -> Path:
    """`$UNMOOR_CACHE`, else the user's cache folder for unmoor; it need not exist yet."""
    if own := os.environ.get("UNMOOR_CACHE"):
        return Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base).absolute() / "unmoor"


def data_folder() -> Path:
    """`$UNMOOR_DATA`, else the user's data folder for unmoor: what is kept, unlike a cache; it need not exist yet."""
    if own := os.environ.get("UNMOOR_DATA"):
        return Path(own).absolute()
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return Path(base).absolute() / "unmoor"


def ensure_cache_folder() -> Path:
    """The cache folder, made if it was not there; UnmoorError, with what to do, if nothing can be put into it."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        rule = f"{folder} cannot be written: {error.strerror}"
        raise UnmoorError(f"{rule}; set UNMOOR_CACHE to a folder that can") from None


def image_context(cache: Path) -> Path:
    """A folder with the shipped Dockerfile and everything that it copies, named by the digest of its content."""
    package = Path(str(files("unmoor")))
    sources = {path.relative_to(package).as_posix(): path for path in _shipped(package)}
    digest = hashlib.sha256()
    for name, path in sorted(sources.items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    folder = cache / "images" / digest.hexdigest()[:32]
    if not folder.exists():
        _copy(package, sources, folder)
    return folder


def _shipped(package: Path) -> list[Path]:
    runtime = [p for p in (package / "runtime").rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    return [*(package / name for name in SHIPPED_MODULES), *runtime]


def _copy(package: Path, sources: dict[str, Path], folder: Path) -> None:
    """Copies beside the folder and renames, so that a second process never sees half of it."""
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
