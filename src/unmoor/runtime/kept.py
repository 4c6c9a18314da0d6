"""What of a run's workspace is kept once its harness is gone: artifacts, and the session's state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .collected import upload_artifacts
from .events import Notice
from .harness.protocol import Adapter
from .host import RunContext
from .journal import EventLog
from .places import RunDirectories
from .records import Artifact
from .redact import Redact
from .sessions import Session
from .stop import Stop


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
