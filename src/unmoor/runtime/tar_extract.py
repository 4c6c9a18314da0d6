"""An archive's files made below a folder, and nothing outside it, whatever the archive names.

tarfile's own filters came with Python 3.11.4, and Debian's 3.11 is older.
"""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

BUFFER = 1024 * 1024


def extract(tar: tarfile.TarFile, root: Path, *, given_up: Callable[[], bool] = lambda: False) -> None:
    """Makes the regular files, folders and links of the archive. A link may lead where it likes, but nothing is written
    through one, and an entry that names a place outside the root is left out, as is one of any other kind."""
    real: set[PurePosixPath] = {PurePosixPath(".")}
    for entry in tar:
        if given_up():
            return
        name = PurePosixPath(os.path.normpath(entry.name))
        if name.is_absolute() or ".." in name.parts or not _made(root, name.parent, real):
            continue
        path = root / name
        if entry.isdir():
            _made(root, name, real)
        elif entry.issym():
            path.symlink_to(entry.linkname)
        elif entry.isreg():
            _write(tar, entry, path)


def _made(root: Path, folder: PurePosixPath, real: set[PurePosixPath]) -> bool:
    """Makes the folder and those above it; False where a file or a link stands in the way."""
    if folder in real:
        return True
    path = root / folder
    if not _made(root, folder.parent, real) or path.is_symlink() or (path.exists() and not path.is_dir()):
        return False
    path.mkdir(exist_ok=True, mode=0o755)
    real.add(folder)
    return True


def _write(tar: tarfile.TarFile, entry: tarfile.TarInfo, path: Path) -> None:
    """A file's content and mode, without set-id bits; its time is kept, since build tools go by it."""
    content = tar.extractfile(entry)
    assert content is not None, "a regular file has content"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        shutil.copyfileobj(content, file, BUFFER)
        os.fchmod(file.fileno(), entry.mode & 0o777)
    os.utime(path, (entry.mtime, entry.mtime))
