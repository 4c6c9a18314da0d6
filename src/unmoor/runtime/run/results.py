"""Save a run's results once its harness has ended: artifacts by the spec's globs, and the session."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Literal

from unmoor.quantities import quote_truncated, size_text
from unmoor.runtime.config import RunLimits
from unmoor.runtime.errors import TransientError
from unmoor.runtime.events import Notice
from unmoor.runtime.harness.protocol import Adapter
from unmoor.runtime.redact import Redact
from unmoor.runtime.state import keys
from unmoor.runtime.state.run_record import Artifact
from unmoor.runtime.store.protocol import Store

from .below import open_top
from .context import RunContext
from .directories import RunDirectories
from .escaped_name import escape_file_name
from .event_log import EventLog
from .file_tree import open_file, walk
from .globs import matches
from .harness_process import ProcessResult
from .retry import retry_transient
from .sessions import Session
from .stop import Stop

# More files than this are a mistake in a glob.
MAX_ARTIFACTS = 10_000
MIB = 1024 * 1024


async def upload_artifacts(
    store: Store, run: str, work: Path, limits: RunLimits, redact: Redact, *, pause_s: float = 0.25
) -> tuple[tuple[Artifact, ...], str]:
    """Upload the files that the globs match, in the order of their names; the artifacts, and a warning if not all of
    them fit. Secrets in file names are redacted, and what no list shows is escaped."""
    names = await asyncio.to_thread(lambda: sorted(match_files(work, limits.artifacts)))
    most = limits.max_artifacts_mib * MIB
    collected: list[Artifact] = []
    too_much: list[str] = []
    room = most
    with open_top(work) as top:
        for name in names[:MAX_ARTIFACTS]:
            shown = escape_file_name(redact(name))
            file = await asyncio.to_thread(_open_artifact, top, name)
            if file is None:
                continue
            with file:
                size = os.fstat(file.fileno()).st_size
                if size > room:
                    too_much.append(shown)
                    continue
                room -= size
                path = Path(f"/proc/self/fd/{file.fileno()}")
                await retry_transient(partial(store.upload, keys.artifact_key(run, shown), path), pause_s=pause_s)
                digest = await asyncio.to_thread(lambda file=file: hashlib.file_digest(file, "sha256").hexdigest())
            collected.append(Artifact(path=shown, size_bytes=size, sha256=digest))
    return tuple(collected), _left_out_warning(len(names), too_much, limits.max_artifacts_mib)


def match_files(work: Path, globs: tuple[str, ...]) -> Iterator[str]:
    """The paths of regular files that a glob matches. Links are not followed: they may lead to files
    that the runner can read and the harness cannot."""
    if not globs:
        return
    with open_top(work) as top:
        for found in walk(top):
            if found.status and stat.S_ISREG(found.status.st_mode) and matches(found.name, globs):
                yield found.name


def _open_artifact(top: int, name: str) -> BinaryIO | None:
    """The file; None if it is no longer a regular file that can be read."""
    try:
        file = os.fdopen(open_file(top, name), "rb")
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    return None


def _left_out_warning(count: int, too_much: list[str], most_mib: int) -> str:
    warnings: list[str] = []
    if count > MAX_ARTIFACTS:
        warnings.append(f"run.artifacts: {count} files match; only the first {MAX_ARTIFACTS} were saved")
    if too_much:
        what = quote_truncated(too_much[0]) + (f" and {len(too_much) - 1} more" if len(too_much) > 1 else "")
        warnings.append(f"run.artifacts: {what} not saved: beyond run.max_artifacts, {size_text(most_mib)} in all")
    return "; ".join(warnings)


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
            self.host.bundle.agent.run,
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
            why = "nested too deep, unreadable, or beyond 16 GiB in all"
            self._notice("warning", f"{skipped} files or folders of the session were not saved: {why}")
        return ""

    def _notice(self, level: Literal["info", "warning", "error"], text: str) -> None:
        self.journal.add(Notice(level=level, text=text))
