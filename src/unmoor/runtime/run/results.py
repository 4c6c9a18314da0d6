"""Save a run's results once its harness has ended: artifacts by the spec's globs, and the session."""

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

from unmoor.runtime.errors import TransientError
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
from .harness_process import ProcessResult
from .retry import retry_transient
from .session_archive import is_real_folder
from .sessions import Session
from .stop import Stop

# More files than this are a mistake in a glob.
MAX_ARTIFACTS = 10_000


async def upload_artifacts(
    store: Store, run: str, work: Path, globs: Iterable[str], redact: Redact, *, pause_s: float = 0.25
) -> tuple[tuple[Artifact, ...], str]:
    """Upload the files that the globs match; the artifacts, and a warning if there were too many. Secrets in file names
    are redacted."""
    names = await asyncio.to_thread(lambda: sorted(match_files(work, tuple(globs))))
    collected: list[Artifact] = []
    for name in names[:MAX_ARTIFACTS]:
        path, shown = work / name, redact(name)
        await retry_transient(partial(store.upload, keys.artifact_key(run, shown), path), pause_s=pause_s)
        digest = await asyncio.to_thread(_digest, path)
        collected.append(Artifact(path=_printable(shown), size_bytes=path.stat().st_size, sha256=digest))
    warning = ""
    if len(names) > MAX_ARTIFACTS:
        warning = f"run.artifacts: {len(names)} files match; only the first {MAX_ARTIFACTS} were saved"
    return tuple(collected), warning


def match_files(work: Path, globs: tuple[str, ...]) -> Iterator[str]:
    """The paths of regular files that a glob matches. Links are not followed: they may lead to files
    that the runner can read and the harness cannot."""
    if not globs or not is_real_folder(work.parent, work.name):
        return
    for found in walk(work):
        if found.status and stat.S_ISREG(found.status.st_mode) and matches(found.name, globs):
            make_readable(found.path, found.status)
            yield found.name


def _printable(name: str) -> str:
    """A file's name as text, with bytes that are not UTF-8 replaced."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _digest(path: Path) -> str:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class ResultSaver:
    """Saves an attempt's results within the time left: a container that is told to stop does not wait."""

    run: str
    directories: RunDirectories
    host: RunContext
    stop: Stop
    journal: EventLog
    redact: Redact

    def log_leftovers(self, result: ProcessResult) -> None:
        """Note processes that outlived the harness, and a harness that outlived its output."""
        if result.left:
            self._notice("info", f"{result.left} processes outlived the harness and were killed")
        if result.lingered:
            self._notice("warning", "the harness closed stdout but kept running; it was terminated")

    async def save_artifacts(self) -> tuple[tuple[Artifact, ...], str]:
        """The artifacts saved, and why not all of them were if the store rejected one."""
        uploading = upload_artifacts(
            self.host.store,
            self.run,
            self.directories.work,
            self.host.bundle.agent.run.artifacts,
            self.redact,
            pause_s=self.host.timeouts.store_s,
        )
        try:
            artifacts, warning = await self.stop.with_deadline(uploading, share=0.4)
        except TimeoutError:
            self._notice("error", "not all artifacts were saved: the container was told to stop")
            return (), ""
        except TransientError as error:
            return (), str(error)
        if warning:
            self._notice("warning", warning)
        return artifacts, ""

    async def save_session(self, session: Session, harness: Adapter, harness_session: str) -> str:
        """Save the workspace as the session's state; why not, if the store rejected it. `harness_session` is the
        harness's own id of the session."""
        folders = ("work", *(f"home/{folder}" for folder in harness.session_folders))
        name = self.host.bundle.agent.harness.name
        saving = session.save(
            self.directories.root, folders, self.directories.own, harness=name, session=harness_session
        )
        try:
            skipped = await self.stop.with_deadline(saving, share=0.8)
        except TimeoutError:
            self._notice("error", "the session was not saved in time; its state before this run remains")
            return ""
        except TransientError as error:
            return str(error)
        if skipped:
            text = f"{skipped} files or folders of the session were not saved: nested too deep, or unreadable"
            self._notice("warning", text)
        return ""

    def _notice(self, level: Literal["info", "warning", "error"], text: str) -> None:
        self.journal.add(Notice(level=level, text=text))
