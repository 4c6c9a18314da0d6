"""Gateways on loopback, with runners that tests end by hand, and clients of theirs."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from runs import Bench, shell
from yarl import URL

from unmoor.runtime.events import Finished, Message, Started, Status, Tokens, as_values
from unmoor.runtime.gateway.gateway import Gateway
from unmoor.runtime.gateway.launchers.protocol import OnExit, RunnerExit
from unmoor.runtime.http.server import bind_tcp
from unmoor.runtime.redact import redactor
from unmoor.runtime.run.lease import LeaseLost, acquire_lease
from unmoor.runtime.state import keys
from unmoor.runtime.state.event_stream import PollInterval
from unmoor.runtime.state.run_record import Artifact, RunRecord, from_json, to_json
from unmoor.runtime.store import Store, open_store

TOKEN = "the-token-of-these-tests"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class ByHand:
    """A launcher whose runners take their runs at once and end when the test says so."""

    store: Store
    on_exit: OnExit = lambda exited: None
    claims: dict[str, Any] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    broken: bool = False

    async def start(self, run: str) -> None:
        if run in self.claims:
            return
        if self.broken:
            self.started.append(run)
            self.on_exit(RunnerExit(run=run, code=2, detail="no such harness"))
            return
        try:
            self.claims[run] = await acquire_lease(self.store, run, owner=f"by-hand-{id(self)}", clock=now)
            self.started.append(run)
        except LeaseLost:
            self.started.append(run)
            self.on_exit(RunnerExit(run=run, code=0, detail=""))

    async def end(self, run: str, status: Status = "succeeded", **fields: Any) -> None:
        await until(lambda: run in self.claims)
        await until(lambda: run in self.claims)
        held = self.claims.pop(run)
        await held.update(status=status, ended_at=now(), **fields)
        self.on_exit(RunnerExit(run=run, code=0 if status == "succeeded" else 1, detail=""))

    async def stop(self, run: str) -> None:
        self.claims.pop(run, None)

    async def cancel(self, run: str) -> None:
        self.cancelled.append(run)

    def running(self) -> frozenset[str]:
        return frozenset(self.claims)

    async def watch(self, on_exit: OnExit) -> None:
        self.on_exit = on_exit

    async def close(self) -> None:
        self.claims.clear()


@dataclass
class Answer:
    """What a request was answered."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        values = self.json["error"]
        assert values["status"] == self.status
        return self.status, values["message"]


@dataclass
class Client:
    """A gateway that runs, and requests to it."""

    url: str
    session: aiohttp.ClientSession
    store: Store
    launcher: ByHand
    logged: list[tuple[str, dict[str, Any]]]

    async def ask(self, method: str, path: str | URL, *, token: str | None = TOKEN, **more: Any) -> Answer:
        headers = {**({"authorization": f"Bearer {token}"} if token is not None else {}), **more.pop("headers", {})}
        url = path if isinstance(path, URL) else self.url + path
        async with self.session.request(method, url, headers=headers, **more) as got:
            return Answer(status=got.status, headers=got.headers, body=await got.read())

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask("GET", path, **more)

    async def start(self, prompt: str = "hello", **more: Any) -> str:
        answer = await self.ask("POST", "/runs", json={"prompt": prompt, **more})
        assert answer.status == 202, answer.body
        return answer.json["id"]

    async def raw(self, text: str) -> bytes:
        """What is answered to these bytes, which a client of good manners would not send."""
        reader, writer = await asyncio.open_connection("127.0.0.1", int(self.url.rsplit(":", 1)[1]))
        writer.write(text.encode("latin-1"))
        answer = await asyncio.wait_for(reader.read(65536), 5)
        writer.close()
        return answer

    async def status(self, run: str) -> str:
        return (await self.record(run)).status

    async def record(self, run: str) -> RunRecord:
        stored = await self.store.get(keys.run_record_key(run))
        assert stored is not None
        return from_json(stored.content)

    async def look(self) -> None:
        """Has the gateway look at its whole queue, and waits until it has; once in a test."""
        assert (await self.ask("POST", "/wake", token=None)).status == 204

    async def until_started(self, count: int) -> None:
        await until(lambda: len(self.launcher.started) >= count)


async def until(holds: Any, *, within: float = 5.0) -> None:
    """Waits until it holds, and fails where it does not."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        value = holds()
        if (await value) if asyncio.iscoroutine(value) else value:
            return
        assert asyncio.get_running_loop().time() < deadline, "it did not come to hold"
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def gateway(
    folder: Path,
    *,
    secrets: dict[str, str] | None = None,
    store: Store | None = None,
    heartbeat_s: float = 15,
    busy_s: float = 0.05,
    idle_s: float = 0.1,
    has_idle_cpu: bool = True,
    ticks: Callable[[], float] = time.monotonic,
    triggers: list[dict[str, Any]] | None = None,
    clock: Callable[[], datetime] = now,
    fires: bool = True,
    launched: Callable[[Store], Any] = ByHand,
    pace: PollInterval | None = None,
    parts: dict[str, Any] | None = None,
    tls: ssl.SSLContext | None = None,
    kept: str = "30d",
    **run: Any,
) -> AsyncIterator[Client]:
    """A gateway over the store in the folder; `run` is the spec's part of that name. `secrets` are taken out of what is
    written, and are those of its webhooks."""
    folder.mkdir(exist_ok=True)
    held = store or open_store((folder / "store").as_uri())
    launcher = launched(held)
    logged: list[tuple[str, dict[str, Any]]] = []
    number = len(list(folder.glob("bench-*")))
    spec: dict[str, Any] = {
        "retention": {"runs": kept},
        **({"run": run} if run else {}),
        **({"triggers": triggers} if triggers else {}),
    }
    bench = Bench(folder / f"bench-{number}", shell("cat", **spec))
    made = Gateway(
        secrets=secrets or {},
        store=held,
        bundle=bench._bundle(),
        launcher=launcher,
        token=TOKEN,
        redact=redactor(secrets or {}),
        log=lambda message, **fields: logged.append((message, fields)),
        clock=clock,
        fires_schedules=fires,
        pace=pace or PollInterval(poll_s=0.02, heartbeat_s=heartbeat_s),
        busy_s=busy_s,
        idle_s=idle_s,
        has_idle_cpu=has_idle_cpu,
        ticks=ticks,
        tls=tls,
        **(parts or {}),
    )
    listening = bind_tcp("127.0.0.1", 0)
    with listening:
        async with aiohttp.ClientSession() as session, made.serving(listening) as port:
            yield Client(f"http://127.0.0.1:{port}", session, held, launcher, logged)


def record(number: int = 1, **fields: Any) -> RunRecord:
    """A queued run; those of higher numbers are newer."""
    at = NOW + timedelta(seconds=number)
    base = RunRecord(
        id=keys.run_id(at, number),
        agent="agent",
        environment="tests",
        bundle="b" * 64,
        status="queued",
        trigger="api",
        kind="api",
        prompt="hello",
        session="",
        harness="command",
        harness_version="none",
        provider="",
        model="",
        created_at=at,
    )
    return dataclasses.replace(base, **fields)


async def put(store: Store, run: RunRecord, *, events: int = 0, finished: bool = False) -> RunRecord:
    """Puts a run with its events, each in a segment of its own, and its artifacts."""
    await store.put(keys.run_record_key(run.id), to_json(run))
    for number in range(1, events + 1):
        await put_event(store, run.id, number)
    if finished:
        end = Finished(status="succeeded", reason="", tokens=Tokens(), cost_usd=None, artifacts=())
        await _put_event(store, run.id, events + 1, as_values(end))
    for artifact in run.artifacts:
        await store.put(keys.artifact_key(run.id, artifact.path), b"x" * artifact.size_bytes)
    return run


async def put_event(store: Store, run: str, number: int) -> None:
    """A run's event: that it began, or a message."""
    begun = Started(harness="command", version="none", model="", session="", confinement="")
    await _put_event(store, run, number, as_values(begun if number == 1 else Message(text=f"line {number}\nand more")))


async def _put_event(store: Store, run: str, number: int, values: dict[str, Any]) -> None:
    line = json.dumps({"n": number, "at": NOW.isoformat(), **values}) + "\n"
    await store.put(keys.event_segment_key(run, number), line.encode())


def artifact(path: str, size: int = 3) -> Artifact:
    return Artifact(path=path, size_bytes=size, sha256="0" * 64)
