"""Prepare a run's workspace: create it, or restore its session's, and add the run's input files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unmoor.runtime.events import Notice
from unmoor.runtime.harness.protocol import Command
from unmoor.runtime.redact import Redact
from unmoor.runtime.sandbox.landlock import Rules
from unmoor.runtime.state.run_record import RunRecord

from .context import RunContext
from .directories import RunDirectories
from .event_log import EventLog
from .git import Git
from .harness_process import run_confined
from .sessions import Session
from .stop import Stop
from .workspace import Workspace, download_inputs

FETCH_S = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """Fills the directories of one attempt; git reaches its servers through `proxy_url`."""

    record: RunRecord
    host: RunContext
    journal: EventLog
    redact: Redact
    session: Session | None
    directories: RunDirectories
    rules: Rules
    proxy_url: str

    async def fill(self) -> str:
        """Fill the workspace; the harness's id of the session to resume, or empty."""
        resumed = ""
        workspace = self._workspace()
        if self.session is None or not await self.session.restore(self.directories.root, self.directories.own):
            await workspace.create()
        else:
            for bare, clone in await workspace.refresh():
                await self._fetch(bare, clone)
            resumed = self._resumed(self.session)
        await download_inputs(self.host.store, self.record, self.directories.work)
        return resumed

    def _workspace(self) -> Workspace:
        git = Git(
            proxy=self.proxy_url,
            home=self.directories.own,
            path=self.host.programs.path,
            redact=self.redact,
            extra=self.host.git_environment,
        )
        return Workspace(bundle=self.host.bundle, directories=self.directories, git=git, credential=self.host.secret)

    async def _fetch(self, bare: Path, clone: Path) -> None:
        """Fetch into the clone, confined like the harness, which may have written the clone's configuration."""
        refs = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
        command = Command(
            argv=("git", "-C", str(clone), "fetch", "--quiet", str(bare), *refs),
            environment={"HOME": str(self.directories.home), "TMPDIR": str(self.directories.temp)},
            stdin=b"",
        )
        result = await run_confined(
            command,
            rules=self.rules,
            mechanisms=self.host.mechanisms,
            path=self.host.programs.path,
            work=str(self.directories.work),
            timeout_s=FETCH_S,
            stop=Stop(),
            on_line=lambda line: None,
        )
        if result.exit.code != 0:
            lines = self.redact(result.exit.stderr).strip().splitlines()
            reason = lines[-1] if lines else "git failed"
            self._warn(f"could not fetch into {clone.relative_to(self.directories.work)}: {reason}")

    def _resumed(self, session: Session) -> str:
        before, now = session.record.harness, self.host.bundle.agent.harness.name
        if before == now:
            return session.record.harness_session
        self._warn(f"the session was saved by {before}: {now} keeps its workspace and starts a new conversation")
        return ""

    def _warn(self, text: str) -> None:
        self.journal.add(Notice(level="warning", text=text))
