"""Artifacts: the workspace's files that the spec's globs name, once the harness is gone."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from . import layout
from .again import retry_transient
from .globs import matches
from .packed import is_real_folder
from .records import Artifact
from .redact import Redact
from .store.objects import Store
from .trees import make_readable, walk

BLOCK = 1024 * 1024
# More is a mistake in a glob, not a result.
MOST = 10_000


async def upload_artifacts(
    store: Store, run: str, work: Path, globs: Iterable[str], redact: Redact, *, pause_s: float = 0.25
) -> tuple[tuple[Artifact, ...], str]:
    """Uploads what the globs name; the artifacts by path, and a warning where there were too many. A secret in a name
    is taken out of it."""
    names = await asyncio.to_thread(lambda: sorted(match_files(work, tuple(globs))))
    collected: list[Artifact] = []
    for name in names[:MOST]:
        path, shown = work / name, redact(name)
        await retry_transient(partial(store.upload, layout.artifact_key(run, shown), path), pause_s=pause_s)
        digest = await asyncio.to_thread(_digest, path)
        collected.append(Artifact(path=_shown(shown), size_bytes=path.stat().st_size, sha256=digest))
    warning = f"run.artifacts: {len(names)} files match, the first {MOST} were kept" if len(names) > MOST else ""
    return tuple(collected), warning


def match_files(work: Path, globs: tuple[str, ...]) -> Iterator[str]:
    """The paths of regular files that a glob names. Links are not followed: they may lead to what the runner can read
    and the harness could not."""
    if not globs or not is_real_folder(work.parent, work.name):
        return
    for found in walk(work):
        if found.status and stat.S_ISREG(found.status.st_mode) and matches(found.name, globs):
            make_readable(found.path, found.status)
            yield found.name


def _shown(name: str) -> str:
    """A file's name as text: what of it is not UTF-8 is replaced."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
