"""The one port that a run's harness can reach, on loopback; every connection to it is that run's."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from dataclasses import dataclass

from unmoor.runtime.events import BudgetExceeded, GuardEvent, NetworkDenied, Notice
from unmoor.runtime.guard.transport.sockets import SocketStream
from unmoor.runtime.guard.transport.types import ConnectionHandler, Emit, RunCredentials
from unmoor.runtime.harness.protocol import GuardEndpoint

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PortLimits:
    """How many connections a run may have, how long they may take to close, how many refusals are reported."""

    connections: int = 256
    ending_s: float = 5
    refusals: int = 500
    same_refusals: int = 20


class GuardPort:
    """Listens inside its `async with` block; `emit` receives every model usage, each exceeded cap once, and refusals up
    to a limit."""

    def __init__(
        self, guard: ConnectionHandler, grant: RunCredentials, emit: Emit, *, limits: PortLimits | None = None
    ) -> None:
        self._guard = guard
        self._grant = grant
        self._limits = limits or PortLimits()
        self._emit = EventLimiter(emit, self._limits)
        self._open: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> GuardPort:
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self.drain()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    @property
    def number(self) -> int:
        assert self._server is not None
        return self._server.sockets[0].getsockname()[1]

    @property
    def endpoint(self) -> GuardEndpoint:
        """The addresses and the token that a harness needs."""
        address, token = f"{LOOPBACK}:{self.number}", self._grant.token
        return GuardEndpoint(
            model_url=f"http://{address}/model", proxy_url=f"http://run:{token}@{address}", token=token
        )

    async def drain(self) -> None:
        """Waits, for a bounded time, until the open connections have ended and their events have arrived."""
        if self._open:
            await asyncio.wait(self._open, timeout=self._limits.ending_s)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = SocketStream(reader, writer)
        if len(self._open) >= self._limits.connections:
            reason = f"{self._limits.connections} connections are open already; new ones are refused until one closes"
            self._emit(NetworkDenied(destination="the guard", reason=reason))
            return stream.abort()
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        try:
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await self._guard.serve(stream, self._grant, self._emit)
        except Exception as error:  # must not close the run's other connections
            where = traceback.extract_tb(error.__traceback__)[-1]
            text = f"a connection failed in the guard: {type(error).__name__} in {where.name}"
            self._emit(Notice(level="error", text=text))
        finally:
            stream.abort()


class EventLimiter:
    """Forwards events up to a limit, and equal ones up to a lower limit."""

    def __init__(self, emit: Emit, limits: PortLimits) -> None:
        self._emit = emit
        self._limits = limits
        self._passed = 0
        self._same: dict[GuardEvent, int] = {}
        self._caps: set[str] = set()

    def __call__(self, event: GuardEvent) -> None:
        if isinstance(event, BudgetExceeded):
            if event.cap in self._caps:
                return
            self._caps.add(event.cap)
        if isinstance(event, NetworkDenied | Notice) and not self._is_within_limits(event):
            return
        self._emit(event)

    def _is_within_limits(self, event: GuardEvent) -> bool:
        """Whether to pass this event on; reports once that further ones are dropped."""
        same = self._same.get(event, 0)
        if same >= self._limits.same_refusals or self._passed > self._limits.refusals:
            return False
        self._same[event] = same + 1
        self._passed += 1
        if self._passed <= self._limits.refusals:
            return True
        self._emit(Notice(level="warning", text="too many guard notices; further ones are dropped"))
        return False
