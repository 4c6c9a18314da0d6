"""One attempt at a run: a workspace, a fenced harness in it, and what it left."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from unmoor.runtime.errors import TransientError
from unmoor.runtime.events import ModelUsage, Notice, Started
from unmoor.runtime.guard.transport.types import RunCredentials
from unmoor.runtime.harness import adapter
from unmoor.runtime.harness.protocol import Adapter, Command, GuardEndpoint, LaunchSpec, Reader
from unmoor.runtime.redact import Redact
from unmoor.runtime.sandbox.probe import SandboxReport, probe_sandbox
from unmoor.runtime.secret_references import resolve_secret_references
from unmoor.runtime.state.run_record import Artifact, RunRecord

from .context import RunContext
from .directories import RunDirectories, run_directories, sandbox_rules
from .event_log import EventLog
from .git import Git
from .guard_port import GuardPort
from .harness_process import ProcessResult, run_confined
from .lease import LeaseLost
from .line_splitter import Line
from .outcome import RunOutcome, outcome_before_start, resolve_outcome
from .results import ResultSaver
from .retry import retry_transient
from .sessions import Session
from .spending import RunSpending
from .stop import Stop
from .workspace import Workspace, download_inputs, write_harness_files

FETCH_S = 120


@dataclass(slots=True, kw_only=True)
class Attempt:
    """Everything that one attempt at a run needs, and what is left of it: whether the harness was started, how it was
    confined, and what it said and left, which a fault that comes later does not undo."""

    record: RunRecord
    host: RunContext
    stop: Stop
    journal: EventLog
    meter: RunSpending
    redact: Redact
    token: str
    session: Session | None = None
    begun: bool = False
    confinement: str = ""
    answer: str = ""
    artifacts: tuple[Artifact, ...] = ()

    async def execute(self) -> RunOutcome:
        """How it ended; InfrastructureFault or WorkspaceFault where it could not be begun or its results kept."""
        here = run_directories(self.host.work_root, run=self.record.id, session=self.record.session)
        try:
            await asyncio.to_thread(here.make)
            grant = RunCredentials(run=self.record.id, token=self.token)
            async with GuardPort(self.host.way, grant, self.meter.on_guard_event) as port:
                return await self._within(here, port.number, port.endpoint)
        finally:
            with contextlib.suppress(TimeoutError):  # then it is left to the container's end
                await self.stop.with_deadline(asyncio.to_thread(here.remove), share=0.2)

    def failed(self, reason: str) -> RunOutcome:
        """The end of an attempt that a fault came in the way of, with what there was before it."""
        return RunOutcome(status="failed", reason=reason, answer=self.answer, artifacts=self.artifacts)

    async def _within(self, here: RunDirectories, port: int, guarded: GuardEndpoint) -> RunOutcome:
        allowed = sandbox_rules(
            here,
            port,
            in_an_image=self.host.in_an_image,
            alone=self.host.bundle.agent.run.isolation == "container",
            programs=self.host.programs.folders,
        )
        forbidden = here.own / "forbidden"
        forbidden.write_text("a confined process cannot read this")
        looking = asyncio.create_task(probe_sandbox(allowed, forbidden=str(forbidden)))
        try:
            resumed = await self.stop.unless_stopped(self._prepare(here, guarded, allowed))
            if resumed is None:
                return outcome_before_start(self.stop.cause, self.meter.over)
            confinement = await looking
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        program = adapter(self.host.bundle.agent.harness.name)
        job = self._job(here, guarded, resumed=resumed)
        self._say_what_starts(confinement)
        # Whoever finds this run without a runner sees by it that the harness may have begun.
        await retry_transient(self.journal.flush, pause_s=self.host.patience.store_s)
        ended, reader = await self._start(program, job, here, allowed)
        return await self._results(program, here, ended, reader)

    async def _prepare(self, here: RunDirectories, guarded: GuardEndpoint, allowed: Any) -> str:
        """Fills the workspace; the harness's id of the session that goes on, or empty."""
        workspace = Workspace(
            bundle=self.host.bundle,
            places=here,
            git=Git(
                proxy=guarded.proxy_url,
                home=here.own,
                path=self.host.programs.path,
                redact=self.redact,
                extra=self.host.git_environment,
            ),
            credential=self.host.secret,
        )
        resumed = ""
        if self.session is None or not await self.session.restore(here.root, here.own):
            await workspace.create()
        else:
            for bare, clone in await workspace.refresh():
                await self._fetch(bare, clone, here, allowed)
            resumed = self._resumed(self.session)
        await download_inputs(self.host.store, self.record, here.work)
        return resumed

    def _resumed(self, session: Session) -> str:
        spoke, speaks = session.record.harness, self.host.bundle.agent.harness.name
        if spoke == speaks:
            return session.record.harness_session
        text = f"the session was {spoke}'s; its workspace goes on, the conversation begins anew with {speaks}"
        self.journal.add(Notice(level="warning", text=text))
        return ""

    async def _fetch(self, bare: Path, clone: Path, here: RunDirectories, allowed: Any) -> None:
        """Lets the clone fetch what is new: confined like the harness, since its configuration is the harness's."""
        refs = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
        command = Command(
            argv=("git", "-C", str(clone), "fetch", "--quiet", str(bare), *refs),
            environment={"HOME": str(here.home), "TMPDIR": str(here.temp)},
            stdin=b"",
        )
        ended = await run_confined(
            command,
            rules=allowed,
            path=self.host.programs.path,
            work=str(here.work),
            timeout_s=FETCH_S,
            stop=Stop(),
            said=lambda line: None,
        )
        if ended.exit.code != 0:
            said = self.redact(ended.exit.stderr).strip().splitlines()
            text = f"{clone.relative_to(here.work)}: nothing new was fetched: {said[-1] if said else 'git failed'}"
            self.journal.add(Notice(level="warning", text=text))

    def _job(self, here: RunDirectories, guarded: GuardEndpoint, *, resumed: str) -> LaunchSpec:
        agent = self.host.bundle.agent
        return LaunchSpec(
            version=agent.harness.version,
            args=agent.harness.args,
            command=agent.harness.command,
            model=agent.model,
            guarded=guarded,
            home=PurePosixPath(here.home),
            work=PurePosixPath(here.work),
            temp=PurePosixPath(here.temp),
            instructions=agent.instructions,
            skills=self.host.bundle.skills(),
            mcp_servers=resolve_secret_references(agent.mcp_servers, self.host.secret),
            prompt=self.record.prompt,
            session=resumed,
            new_session=str(uuid.uuid5(uuid.NAMESPACE_URL, f"unmoor:{self.record.id}:{self.record.attempt}")),
            programs=self.host.programs.paths,
            web=agent.network.egress_any,
        )

    def _say_what_starts(self, confinement: SandboxReport) -> None:
        self.confinement = str(confinement)
        harness, model = self.host.bundle.agent.harness, self.host.bundle.agent.model
        self.journal.add(
            Started(
                harness=harness.name,
                version=harness.version,
                model=model.name if model else "",
                session=self.record.session,
                confinement=self.confinement,
            )
        )

    async def _start(
        self, program: Adapter, job: LaunchSpec, here: RunDirectories, allowed: Any
    ) -> tuple[ProcessResult, Reader]:
        command, reader = program.command(job), program.reader(job)
        await asyncio.to_thread(write_harness_files, command.files, here)
        self.begun = True
        ended = await run_confined(
            command,
            rules=allowed,
            path=self.host.programs.path,
            work=str(here.work),
            timeout_s=self.host.bundle.agent.run.timeout_s,
            stop=self.stop,
            said=lambda line: self._said(reader, line),
            room=self.journal.backpressure,
            grace_s=self.host.patience.grace_s,
            linger_s=self.host.patience.linger_s,
        )
        return ended, reader

    def _said(self, reader: Reader, line: Line) -> None:
        if line.cut:
            text = f"the harness wrote a line of {line.cut} bytes; it was cut and not understood"
            return self.journal.add(Notice(level="warning", text=text), raw=line.text)
        events = [e for e in reader.feed(line.text) if not (isinstance(e, ModelUsage) and self._is_metered)]
        for number, event in enumerate(events):
            self.journal.add(event, raw=None if number else line.text)
        if not events and line.text.strip():
            self.journal.add({"type": "raw"}, raw=line.text)

    @property
    def _is_metered(self) -> bool:
        """Whether the guard sees every use of the model, so that the harness's own count would be a second one."""
        return self.host.bundle.agent.model is not None

    async def _results(
        self, program: Adapter, here: RunDirectories, ended: ProcessResult, reader: Reader
    ) -> RunOutcome:
        outcome = reader.outcome(ended.exit)
        end = resolve_outcome(ended, outcome, timeout_s=self.host.bundle.agent.run.timeout_s, over=self.meter.over)
        self.answer = end.answer
        if self.stop.lease_lost:
            raise LeaseLost(f"run {self.record.id} was taken by somebody else")
        if ended.left:
            self._notice("info", f"{ended.left} processes were left behind and were ended")
        if ended.lingered:
            self._notice("warning", "the harness closed its output and did not end; it was ended")
        if said := await self._faults_of_keeping(program, here, outcome.session):
            return self.failed("; ".join(said))
        return replace(end, artifacts=self.artifacts)

    async def _faults_of_keeping(self, program: Adapter, here: RunDirectories, named: str) -> list[str]:
        """Keeps what is left, and says in a line each what came in the way: what can be kept is kept all the same."""
        keeper = ResultSaver(
            run=self.record.id, here=here, host=self.host, stop=self.stop, journal=self.journal, redact=self.redact
        )
        said: list[str] = []
        try:
            self.artifacts = await keeper.save_artifacts()
        except TransientError as fault:
            said.append(str(fault))
        try:
            if self.session is not None:
                await keeper.save_session(self.session, program, named)
        except TransientError as fault:
            said.append(str(fault))
        return said

    def _notice(self, level: Literal["info", "warning"], text: str) -> None:
        self.journal.add(Notice(level=level, text=text))
