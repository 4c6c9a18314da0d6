"""Where unmoor puts what it makes on this machine: content-addressed, so that it can be deleted at any time."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .errors import UnmoorError

# What the spec is called in its folder.
SPEC_FILE = "unmoor.yaml"


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
