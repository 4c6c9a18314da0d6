"""The folders of unmoor on this machine. The cache is content-addressed and can be deleted at any time."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from .errors import UnmoorError

# The spec's file name in its folder.
SPEC_FILE = "unmoor.yaml"


def cache_folder() -> Path:
    """`$UNMOOR_CACHE`, else the user's cache folder for unmoor; it may not exist."""
    if own := os.environ.get("UNMOOR_CACHE"):
        return Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base).absolute() / "unmoor"


def data_folder() -> Path:
    """`$UNMOOR_DATA`, else the user's data folder for unmoor, which must be preserved; it may not exist."""
    if own := os.environ.get("UNMOOR_DATA"):
        return Path(own).absolute()
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return Path(base).absolute() / "unmoor"


def ensure_cache_folder() -> Path:
    """The cache folder, created if needed; UnmoorError if it is not writable."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        rule = f"{folder} cannot be written: {error.strerror}"
        raise UnmoorError(f"{rule}; set UNMOOR_CACHE to a writable folder") from None
