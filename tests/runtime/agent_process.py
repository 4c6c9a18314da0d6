"""`unmoor-agent run` as a container starts it: a process of its own, told everything by its environment."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forked import AGENT
from runs import Ran, stored_events

from unmoor.plan.bundle import pack
from unmoor.runtime.guard.transport.server import GuardServer
from unmoor.runtime.guard.transport.types import Emit, RunCredentials, Stream
from unmoor.runtime.state import keys
from unmoor.runtime.state.run_record import RunRecord, create_run_record, from_json
from unmoor.runtime.store import Store, open_store
from unmoor.spec.context_files import SpecFiles
from unmoor.spec.make_plan import make_plan
from unmoor.spec.models import Spec

WAIT_S = 60


@dataclass
class Agent:
    """An agent whose bundle lies in a store, and whose runs are processes."""

    root: Path
    spec: dict[str, Any]
    environment: Mapping[str, str] = field(default_factory=dict)
    guard_url: str = ""

    @property
    def store(self) -> Store:
        return open_store((self.root / "store").as_uri())

    def deployed(self) -> str:
        """Puts the bundle into the store; its digest."""
        archive = pack(
            make_plan(
                Spec.model_validate(self.spec), "tests", SpecFiles(folder=str(self.root), instructions="", files=())
            )
        )
        digest = hashlib.sha256(archive).hexdigest()
        asyncio.run(self.store.put(keys.bundle_key(digest), archive))
        return digest

    def queued(self, *, session: str = "", prompt: str = "hello\n") -> str:
        """A new run's id."""
        record = RunRecord(
            id=keys.run_id(datetime.now(UTC)),
            agent="agent",
            environment="tests",
            bundle=self.deployed(),
            status="queued",
            trigger="api",
            kind="api",
            prompt=prompt,
            session=session,
            harness="command",
            harness_version="none",
            provider="",
            model="",
            created_at=datetime.now(UTC),
        )
        asyncio.run(create_run_record(self.store, record))
        return record.id

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """The process, started."""
        environment = {
            "PATH": os.environ["PATH"],
            "UNMOOR_STORE": (self.root / "store").as_uri(),
            "UNMOOR_BUNDLE": self.deployed(),
            "UNMOOR_GUARD_URL": self.guard_url,
            "UNMOOR_WORK": str(self.root / "work"),
            **self.environment,
            **more,
        }
        return subprocess.Popen(
            [*AGENT, "run", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def record(self, run: str) -> RunRecord:
        stored = asyncio.run(self.store.get(keys.run_record_key(run)))
        assert stored is not None
        return from_json(stored.content)

    def runs(self) -> list[RunRecord]:
        """Every run of the store."""
        return [self.record(path.name) for path in sorted((self.root / "store" / "runs").glob("run-*"))]

    def events(self, run: str) -> list[dict[str, Any]]:
        return stored_events(Ran(record=self.record(run), events=[], store=self.store, root=self.root))

    def assert_one_end(self, run: str, status: str) -> None:
        record, events = self.record(run), self.events(run)
        assert (record.status, record.lease) == (status, None), record.reason
        assert [e["n"] for e in events] == list(range(1, len(events) + 1))
        assert [e["status"] for e in events if e["type"] == "run.finished"] == [status]


def until(what: Callable[[], Any]) -> Any:
    """What it gives, as soon as it gives something."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come about")


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """The exit code and what it wrote to both outputs."""
    out, err = process.communicate(timeout=WAIT_S)
    return process.returncode, out, err


class SilentHandler:
    """Serves every connection and never responds."""

    async def serve(self, stream: Stream, credentials: RunCredentials, emit: Emit) -> None:
        await asyncio.Event().wait()

    async def settle(self) -> None:
        pass


@contextlib.contextmanager
def silent_guard() -> Iterator[str]:
    """The address of a guard that accepts every link and never responds."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = GuardServer(SilentHandler(), host="127.0.0.1", port=0, drain_s=0)
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
    try:
        yield f"http://127.0.0.1:{server.number}"
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
