"""Runs of small agents whose harness is a command, in a store of their own."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import hashlib
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unmoor.plan.bundle import pack
from unmoor.runtime.config import AgentConfig
from unmoor.runtime.guard.build import open_guard
from unmoor.runtime.guard.transport.types import ConnectionHandler, Emit, RunCredentials, Stream
from unmoor.runtime.harness.installed import HarnessInstallation
from unmoor.runtime.run.context import RunContext, Timeouts
from unmoor.runtime.run.lifecycle import execute_run
from unmoor.runtime.run.retry import retry_transient
from unmoor.runtime.run.stop import Stop
from unmoor.runtime.sandbox import landlock
from unmoor.runtime.sandbox.confine import Mechanisms
from unmoor.runtime.state import keys
from unmoor.runtime.state.bundle import unpack_bundle
from unmoor.runtime.state.run_record import RunRecord, create_run_record, from_json
from unmoor.runtime.store import Store, open_store
from unmoor.spec.context_files import SpecFiles
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec

# Where a confined harness of the tests finds its programs: the system's own, and this interpreter.
PROGRAMS = HarnessInstallation(folders=(Path(sys.base_prefix),), path=f"{sys.base_prefix}/bin:/usr/bin:/bin")


# Short, so that no test waits for what a person would wait for.
IMPATIENT = Timeouts(grace_s=0.2, linger_s=0.3, again_s=0.01, session_poll_s=0.05, cancel_poll_s=0.05, store_s=0.001)


class NoWay:
    """A guard that answers nobody."""

    async def serve(self, stream: Stream, grant: RunCredentials, emit: Emit) -> None:
        await stream.close()


@dataclass
class Ran:
    """What became of a run: its record, its events, and its store."""

    record: RunRecord
    events: list[dict[str, Any]]
    store: Store
    root: Path

    def of(self, type_: str) -> list[dict[str, Any]]:
        return [e for e in self.events if e["type"] == type_]

    def artifact(self, path: str) -> bytes:
        stored = asyncio.run(self.store.get(keys.artifact_key(self.record.id, path)))
        assert stored is not None
        return stored.content


@dataclass
class Bench:
    """An agent and a store in which it is run, once or several times."""

    root: Path
    spec: dict[str, Any]
    secrets: dict[str, str] = field(default_factory=dict)
    way: ConnectionHandler = field(default_factory=NoWay)
    store: Store | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    git_environment: Mapping[str, str] = field(default_factory=dict)
    programs: HarnessInstallation = PROGRAMS
    traced: bool = False
    in_an_image: bool = False
    patience: Timeouts = IMPATIENT
    mechanisms: Mechanisms = field(default_factory=Mechanisms)
    started: int = 0

    def run(
        self,
        prompt: str = "hello\n",
        *,
        session: str = "",
        during: Callable[[Stop, RunRecord, Store], Any] | None = None,
        before: Callable[[RunRecord, Store], Any] | None = None,
    ) -> Ran:
        """Runs it to its end; `during` is awaited meanwhile."""
        return asyncio.run(self._run(prompt, session, during, before))

    async def _run(self, prompt: str, session: str, during: Any, before: Any) -> Ran:
        store = self.store or open_store((self.root / "store").as_uri())
        bundle = self._bundle()
        record = self._record(bundle.sha256, prompt, session)
        await create_run_record(store, record)
        if before:
            await before(record, store)
        events: list[dict[str, Any]] = []
        stop = Stop()
        async with self._way(bundle.agent, store) as way:
            return await self._lived(bundle, record, store, way, events, stop, during)

    @contextlib.asynccontextmanager
    async def _way(self, agent: AgentConfig, store: Store) -> AsyncIterator[ConnectionHandler]:
        """The guard's own door where the agent has a model, else whatever the test gave."""
        if agent.model is None:
            yield self.way
            return
        async with open_guard(agent, store=store, key=self.secrets[agent.model.api_key]) as door:
            yield door

    async def _lived(
        self,
        bundle: Any,
        record: RunRecord,
        store: Store,
        way: ConnectionHandler,
        events: list[Any],
        stop: Stop,
        during: Any,
    ) -> Ran:
        host = RunContext(
            store=store,
            bundle=bundle,
            secrets=self.secrets,
            guard=way,
            work_root=self.root / "work",
            in_image=self.in_an_image,
            programs=self.programs,
            owner="tests",
            watch=events.append,
            git_environment=self.git_environment,
            timeouts=self.patience,
            traced=self.traced,
            mechanisms=self.mechanisms,
        )
        meanwhile = asyncio.create_task(during(stop, record, store)) if during else None
        final = await execute_run(record.id, host, stop)
        if meanwhile:
            await meanwhile
        stored = await retry_transient(lambda: store.get(keys.run_record_key(record.id)), pause_s=0)
        assert stored is not None
        assert from_json(stored.content) == final
        return Ran(record=final, events=events, store=store, root=self.root)

    def _bundle(self) -> Any:
        self.started += 1
        folder = self.root / f"material-{self.started}"
        folder.mkdir(parents=True)
        plan = make_plan(Spec.model_validate(self.spec), "tests", self._material(folder))
        archive = pack(plan)
        return unpack_bundle(archive, hashlib.sha256(archive).hexdigest(), self.root / f"bundle-{self.started}")

    def _material(self, folder: Path) -> SpecFiles:
        from unmoor.plan import BundledFile

        files: list[BundledFile] = []
        for number, (path, content) in enumerate(sorted(self.files.items())):
            (folder / str(number)).write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            files.append(
                BundledFile(
                    path=path,
                    sha256=digest,
                    size_bytes=len(content),
                    executable=False,
                    source=str(folder / str(number)),
                )
            )
        return SpecFiles(folder=str(folder), instructions=self.spec.get("instructions", ""), files=tuple(files))

    def _record(self, bundle: str, prompt: str, session: str) -> RunRecord:
        now = datetime.now(UTC)
        return RunRecord(
            id=keys.run_id(now),
            agent=self.spec["name"],
            environment="tests",
            bundle=bundle,
            status="queued",
            trigger="api",
            kind="api",
            prompt=prompt,
            session=session,
            harness=self.spec["harness"]["name"],
            harness_version="none",
            provider="",
            model="",
            created_at=now,
        )


def command_spec(*argv: str, **parts: Any) -> dict[str, Any]:
    """A spec whose harness is that command."""
    base = {"version": 1, "name": "agent", "harness": {"name": "command", "command": list(argv)}}
    return copy.deepcopy({**base, **parts})


def shell(script: str, **parts: Any) -> dict[str, Any]:
    """A spec whose harness is a line of shell."""
    return command_spec("sh", "-c", script, **parts)


def stored_text(root: Path) -> str:
    """Everything that lies in a folder's store, as one text."""
    return "\n".join(p.read_bytes().decode(errors="replace") for p in sorted(root.rglob("*")) if p.is_file())


def stored_events(ran: Ran) -> list[dict[str, Any]]:
    """A run's events as its segments hold them."""

    async def read() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        async for entry in ran.store.list(keys.events_prefix(ran.record.id)):
            stored = await ran.store.get(entry.key)
            assert stored is not None
            found += [json.loads(line) for line in stored.content.splitlines()]
        return found

    return asyncio.run(read())


HAS_A_FENCE = landlock.version() >= landlock.SCOPES_SINCE


def is_what_this_kernel_can(confinement: str) -> bool:
    """Whether a run says of its fence what is true on this machine."""
    if HAS_A_FENCE:
        return confinement == "enforced by landlock+seccomp"
    return confinement.startswith("advisory: kernel has no Landlock")
