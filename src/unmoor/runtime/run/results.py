"""Artifacts: the workspace's files that the spec's globs name, once the harness is gone."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from unmoor.runtime.events import Notice
from unmoor.runtime.harness.protocol import Adapter
from unmoor.runtime.redact import Redact
from unmoor.runtime.state import keys
from unmoor.runtime.state.run_record import Artifact
from unmoor.runtime.store.protocol import Store

from .context import RunContext
from .directories import RunDirectories
from .event_log import EventLog
from .file_tree import make_readable, walk
from .globs import matches
from .retry import retry_transient
from .session_archive import is_real_folder
from .sessions import Session
from .stop import Stop

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
        await retry_transient(partial(store.upload, keys.artifact_key(run, shown), path), pause_s=pause_s)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultSaver:
    """Keeps what is left, in what time there is: a container that was told to stop does not wait for it."""

    run: str
    here: RunDirectories
    host: RunContext
    stop: Stop
    journal: EventLog
    redact: Redact

    async def save_artifacts(self) -> tuple[Artifact, ...]:
        """The artifacts that were kept; InfrastructureFault where the store does not take one."""
        collecting = upload_artifacts(
            self.host.store,
            self.run,
            self.here.work,
            self.host.bundle.agent.run.artifacts,
            self.redact,
            pause_s=self.host.patience.store_s,
        )
        try:
            artifacts, warning = await self.stop.with_deadline(collecting, share=0.4)
        except TimeoutError:
            self._notice("error", "artifacts were not all kept: the container was told to stop")
            return ()
        if warning:
            self._notice("warning", warning)
        return artifacts

    async def save_session(self, session: Session, program: Adapter, named: str) -> None:
        """Makes the workspace the session's state; `named` is what the harness calls it."""
        folders = ("work", *(f"home/{folder}" for folder in program.session_folders))
        harness = self.host.bundle.agent.harness.name
        saving = session.save(self.here.root, folders, self.here.own, harness=harness, session=named)
        try:
            left_out = await self.stop.with_deadline(saving, share=0.8)
        except TimeoutError:
            return self._notice("error", "the session was not saved in time; it stays as it was before this run")
        if left_out:
            text = f"{left_out} files or folders of the session were left out: they lie too deep or cannot be read"
            self._notice("warning", text)

    def _notice(self, level: Literal["warning", "error"], text: str) -> None:
        self.journal.add(Notice(level=level, text=text))
