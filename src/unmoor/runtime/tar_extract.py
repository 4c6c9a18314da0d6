"""Extract untrusted archives by tarfile's own rules, except that a link may point anywhere."""

from __future__ import annotations

import contextlib
import tarfile
from collections.abc import Callable
from pathlib import Path


def extract(tar: tarfile.TarFile, root: Path, *, given_up: Callable[[], bool] = lambda: False) -> None:
    """Create the archive's regular files, folders and symbolic links below the root.

    Skips every other kind of entry, absolute names, and names that lead outside the root, also through a link.
    """
    for entry in tar:
        if given_up():
            return
        if not (entry.isreg() or entry.isdir() or entry.issym()) or entry.name.startswith("/"):
            continue
        with contextlib.suppress(tarfile.FilterError):
            tar.extract(entry, root, set_attrs=entry.isreg(), filter=_confine)


def _confine(entry: tarfile.TarInfo, root: str) -> tarfile.TarInfo:
    """The entry without owner and set-id bits; tarfile.FilterError if its name leads outside the root."""
    confined = tarfile.tar_filter(entry, root)
    mode = entry.mode & 0o777 if entry.isreg() else None
    return confined.replace(mode=mode, uid=None, gid=None, uname=None, gname=None, deep=False)  # type: ignore[arg-type]
