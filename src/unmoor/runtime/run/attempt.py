"""One attempt at a run: prepare the workspace, run the harness in its sandbox, save the results."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from unmoor.runtime.events import ModelUsage, Notice, Started
from unmoor.runtime.guard.transport.types import RunCredentials
from unmoor.runtime.harness import adapter
from unmoor.runtime.harness.protocol import Adapter, GuardEndpoint, LaunchSpec, Reader
from unmoor.runtime.redact import Redact
from unmoor.runtime.sandbox.confine import Mechanisms
from unmoor.runtime.sandbox.landlock import Rules
from unmoor.runtime.sandbox.probe import probe_sandbox
from unmoor.runtime.sandbox.report import SandboxReport
from unmoor.runtime.secret_references import resolve_secret_references
from unmoor.runtime.state.run_record import Artifact, RunRecord

from .context import RunContext
from .directories import RunDirectories, run_directories, sandbox_rules
from .event_log import EventLog
from .guard_port import GuardPort
from .harness_process import ProcessResult, run_confined
from .lease import LeaseLost
from .line_splitter import Line
from .outcome import RunOutcome, outcome_before_start, resolve_outcome
from .preparation import Preparation
from .results import ResultSaver
from .retry import retry_transient
from .sessions import Session
from .spending import RunSpending
from .stop import Stop
from .workspace import write_harness_files


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One attempt at a run, and its results so far, which a later error does not discard: whether the harness started,
    what the probe found, the answer and the artifacts."""

    record: RunRecord
    host: RunContext
    stop: Stop
    journal: EventLog
    spending: RunSpending
    redact: Redact
    token: str
    session: Session | None = None
    harness_started: bool = False
    confinement: str = ""
    answer: str = ""
    artifacts: tuple[Artifact, ...] = ()

    async def execute(self) -> RunOutcome:
        """The attempt's outcome; TransientError or WorkspaceError if it cannot start or save its results."""
        directories = run_directories(self.host.work_root, run=self.record.id, session=self.record.session)
        try:
            await asyncio.to_thread(directories.make)
            grant = RunCredentials(run=self.record.id, token=self.token)
            async with GuardPort(self.host.guard, grant, self.spending.on_guard_event) as port:
                rules = sandbox_rules(
                    directories,
                    port.number,
                    in_image=self.host.in_image,
                    alone=self.host.bundle.agent.run.isolation == "container",
                    programs=self.host.programs.folders,
                    hidden=self.host.programs.hidden,
                )
                return await self._run(directories, port, rules)
        finally:
            with contextlib.suppress(TimeoutError):  # the container's end removes them
                await self.stop.with_deadline(asyncio.to_thread(directories.remove), share=0.2)

    def failure_outcome(self, reason: str) -> RunOutcome:
        """The outcome after an error, with the results so far."""
        return RunOutcome(status="failed", reason=reason, answer=self.answer, artifacts=self.artifacts)

    async def _run(self, directories: RunDirectories, port: GuardPort, rules: Rules) -> RunOutcome:
        forbidden = directories.own / "forbidden"
        forbidden.write_text("a confined process cannot read this")
        paths = (str(forbidden), *map(str, self.host.programs.hidden))
        probing = asyncio.create_task(probe_sandbox(rules, forbidden=paths, mechanisms=self.host.mechanisms))
        try:
            preparation = Preparation(
                record=self.record,
                host=self.host,
                journal=self.journal,
                redact=self.redact,
                session=self.session,
                directories=directories,
                rules=rules,
                proxy_url=port.endpoint.proxy_url,
            )
            resumed = await self.stop.unless_stopped(preparation.fill())
            if resumed is None:
                return outcome_before_start(self.stop.cause, self.spending.over)
            report = await probing
        finally:
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)
        self._log_start(report)
        # If the runner dies, this event shows that the harness may have started.
        await retry_transient(self.journal.flush, pause_s=self.host.timeouts.store_s)
        harness = adapter(self.host.bundle.agent.harness.name)
        launch = self._launch_spec(directories, port.endpoint, resumed=resumed)
        result, reader = await self._start(harness, launch, directories, rules, report.mechanisms)
        await self.stop.unless_stopped(port.drain())  # the guard's last events decide too
        return await self._finish(harness, directories, result, reader)

    def _log_start(self, report: SandboxReport) -> None:
        self.confinement = str(report)
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

    def _launch_spec(self, directories: RunDirectories, endpoint: GuardEndpoint, *, resumed: str) -> LaunchSpec:
        agent = self.host.bundle.agent
        return LaunchSpec(
            version=agent.harness.version,
            args=agent.harness.args,
            command=agent.harness.command,
            model=agent.model,
            guard=endpoint,
            home=PurePosixPath(directories.home),
            work=PurePosixPath(directories.work),
            temp=PurePosixPath(directories.temp),
            instructions=agent.instructions,
            skills=self.host.bundle.skills(),
            mcp_servers=resolve_secret_references(agent.mcp_servers, self.host.secret),
            prompt=self.record.prompt,
            session=resumed,
            new_session=str(uuid.uuid5(uuid.NAMESPACE_URL, f"unmoor:{self.record.id}:{self.record.attempt}")),
            programs=self.host.programs.paths,
            web=agent.network.egress_any,
        )

    async def _start(
        self,
        harness: Adapter,
        launch: LaunchSpec,
        directories: RunDirectories,
        rules: Rules,
        mechanisms: Mechanisms,
    ) -> tuple[ProcessResult, Reader]:
        command, reader = harness.command(launch), harness.reader(launch)
        await asyncio.to_thread(write_harness_files, command.files, directories)
        self.harness_started = True
        result = await run_confined(
            command,
            rules=rules,
            path=self.host.programs.path,
            work=str(directories.work),
            timeout_s=self.host.bundle.agent.run.timeout_s,
            stop=self.stop,
            on_line=lambda line: self._on_line(reader, line),
            backpressure=self.journal.backpressure,
            grace_s=self.host.timeouts.grace_s,
            linger_s=self.host.timeouts.linger_s,
            mechanisms=mechanisms,
        )
        return result, reader

    def _on_line(self, reader: Reader, line: Line) -> None:
        if line.cut:
            text = f"the harness wrote a line of {line.cut} bytes; it was truncated and not parsed"
            return self.journal.add(Notice(level="warning", text=text), raw=line.text)
        # The guard meters every model request, so the harness's own count would be a second one.
        metered = self.host.bundle.agent.model is not None
        events = [event for event in reader.feed(line.text) if not (metered and isinstance(event, ModelUsage))]
        for number, event in enumerate(events):
            self.journal.add(event, raw=None if number else line.text)
        if not events and line.text.strip():
            self.journal.add({"type": "raw"}, raw=line.text)

    async def _finish(
        self, harness: Adapter, directories: RunDirectories, result: ProcessResult, reader: Reader
    ) -> RunOutcome:
        reported = reader.outcome(result.exit)
        agent = self.host.bundle.agent
        outcome = resolve_outcome(
            result,
            reported,
            timeout_s=agent.run.timeout_s,
            over=self.spending.over,
            answers=self.spending.answers,
            # A program of the user's own may set a limit on purpose.
            length_counts=agent.harness.name != "command",
        )
        self.answer = outcome.answer
        if self.stop.lease_lost:
            raise LeaseLost(f"run {self.record.id} was taken by another runner")
        saver = ResultSaver(self.record.id, directories, self.host, self.stop, self.journal, self.redact)
        saver.log_leftovers(result)
        self.artifacts, error = await saver.save_artifacts()
        errors = [error, await saver.save_session(self.session, harness, reported.session) if self.session else ""]
        if any(errors):
            return self.failure_outcome("; ".join(filter(None, errors)))
        return replace(outcome, artifacts=self.artifacts)
