"""Agents to guard, and asking their model as a harness would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from clients import connected
from routes import route_to
from world import GRANT, World

from unmoor.runtime.config import (
    AgentConfig,
    GatewayConfig,
    Harness,
    Model,
    NetworkConfig,
    RunLimits,
    RunRetention,
)
from unmoor.runtime.events import GuardEvent, ModelAnswer
from unmoor.runtime.guard.budget.book import LedgerTimeouts
from unmoor.runtime.guard.build import GuardSettings, open_guard
from unmoor.runtime.guard.transport.sockets import SocketStream
from unmoor.runtime.guard.transport.types import RunCredentials
from unmoor.runtime.run.guard_port import GuardPort
from unmoor.runtime.store import Store, open_store

KEY = "sk-real-KEY+of/the=provider"
NAMES = {
    "anthropic": "claude-sonnet-4-5",
    "openai": "gpt-5.5",
    "openrouter": "anthropic/claude-sonnet-4.5",
    "openai-compatible": "our-own-model",
    "google": "gemini-2.5-pro",
}


def agent(
    provider: str = "anthropic",
    *,
    base_url: str,
    name: str = "",
    run_usd: str | None = None,
    day_usd: str | None = None,
    egress_any: bool = False,
    timeout_s: int = 1800,
) -> AgentConfig:
    """An agent with this model and these caps."""
    return AgentConfig(
        agent="agent",
        environment="default",
        description="",
        harness=Harness(name="command", version="none", args=(), command=("cat",)),
        model=Model(provider=provider, name=name or NAMES[provider], base_url=base_url, api_key="model-key"),
        instructions="",
        repos=(),
        files=(),
        mcp_servers=(),
        webhooks=(),
        schedules=(),
        mailboxes=(),
        run=RunLimits(
            isolation="container",
            timeout_s=timeout_s,
            max_concurrent=4,
            when_busy="queue",
            retries=1,
            session=None,
            max_model_requests=2000,
            max_cost_usd=None if run_usd is None else Decimal(run_usd),
            artifacts=(),
            max_artifacts_mib=1024,
        ),
        budget_per_day_usd=None if day_usd is None else Decimal(day_usd),
        gateway=GatewayConfig(token="gateway-token"),
        network=NetworkConfig(egress_any=egress_any, egress=(), domain=None),
        retention=RunRetention(runs_s=86400),
    )


class Clock:
    """A clock that is set by hand."""

    def __init__(self, text: str = "2026-11-24T12:00:00+00:00") -> None:
        self.now = datetime.fromisoformat(text)

    def __call__(self) -> datetime:
        return self.now.astimezone(UTC)

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer; `whole` is False where the connection broke before its end."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    whole: bool = True

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@asynccontextmanager
async def opened(
    what: AgentConfig,
    told: list[GuardEvent],
    *,
    store: Store | None = None,
    clock: Clock | None = None,
    settings: GuardSettings | None = None,
    grant: RunCredentials = GRANT,
    key: str = KEY,
    answers: list[ModelAnswer] | None = None,
) -> AsyncIterator[GuardPort]:
    """A run's local port to a door of this agent's; `answers` takes how each request ended, `told` all other events."""

    def tell(event: GuardEvent) -> None:
        if not isinstance(event, ModelAnswer):
            told.append(event)
        elif answers is not None:
            answers.append(event)

    store = store or open_store("memory://")
    settings = settings or GuardSettings(ledger=LedgerTimeouts(write_every_s=0.01))
    door = open_guard(what, store=store, key=key, clock=clock or Clock(), network=World(), settings=settings)
    async with door as there, route_to(there) as way, GuardPort(way, grant, tell) as port:
        yield port


def request(
    path: str,
    body: Any = None,
    *,
    token: str = GRANT.token,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    version: str = "1.1",
) -> bytes:
    """A request for the model."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = {"host": "x", "x-api-key": token, "content-length": str(len(content)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} /model/{path} HTTP/{version}\r\n{head}\r\n".encode() + content


async def ask(port: GuardPort, path: str, body: Any = None, **how: Any) -> Answer:
    """One request on a connection of its own, and its whole answer."""
    async with connected(port.number) as client:
        await client.write(request(path, body, **how))
        return await read_answer(client)


async def read_answer(client: SocketStream) -> Answer:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := await client.read()):
            raise EOFError(data)
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    content, whole = await _content(client, rest, headers)
    return Answer(status=int(first.split(" ")[1]), headers=headers, content=content, whole=whole)


async def _content(client: SocketStream, data: bytes, headers: Mapping[str, str]) -> tuple[bytes, bool]:
    chunked = headers.get("transfer-encoding") == "chunked"
    length = int(headers["content-length"]) if "content-length" in headers else None
    while not (data.endswith(b"0\r\n\r\n") if chunked else length is not None and len(data) >= length):
        try:
            more = await client.read()
        except ConnectionError:
            return (_unchunked(data) if chunked else data), False
        if not more:
            return (_unchunked(data) if chunked else data), not chunked and length is None
        data += more
    return (_unchunked(data) if chunked else data), True


def _unchunked(data: bytes) -> bytes:
    content = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        count = int(size or b"0", 16)
        content += data[:count]
        data = data[count + 2 :]
    return content


def run(main: Any) -> Any:
    """Runs it, and no longer than a test may take."""
    return asyncio.run(asyncio.wait_for(main, 20))
