"""Artifacts: the workspace's files that the spec's globs name, once the harness is gone."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import layout
from .globs import matches
from .records import Artifact
from .store.objects import Store

BLOCK = 1024 * 1024
# More is a mistake in a glob, not a result.
MOST = 10_000


async def collect(store: Store, run: str, work: Path, globs: Iterable[str]) -> tuple[tuple[Artifact, ...], str]:
    """Uploads what the globs name; the artifacts by path, and a warning where there were too many."""
    names = await asyncio.to_thread(lambda: sorted(named(work, tuple(globs))))
    collected: list[Artifact] = []
    for name in names[:MOST]:
        path = work / name
        await store.upload(layout.artifact(run, name), path)
        digest = await asyncio.to_thread(_digest, path)
        collected.append(Artifact(path=_shown(name), size_bytes=path.stat().st_size, sha256=digest))
    warning = f"run.artifacts: {len(names)} files match, the first {MOST} were kept" if len(names) > MOST else ""
    return tuple(collected), warning


def named(work: Path, globs: tuple[str, ...]) -> Iterator[str]:
    """The paths of regular files that a glob names. Links are not followed: they may lead to what the runner can read
    and the harness could not."""
    if not globs:
        return
    for where, folders, files in os.walk(work):
        folders[:] = [f for f in folders if not os.path.islink(os.path.join(where, f))]
        for name in files:
            path = Path(where, name)
            relative = path.relative_to(work).as_posix()
            if matches(relative, globs) and stat.S_ISREG(path.lstat().st_mode):
                yield relative


def _shown(name: str) -> str:
    """A file's name as text: what of it is not UTF-8 is replaced."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
