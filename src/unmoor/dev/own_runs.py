"""Restricts a guard on loopback to the gateway's own runs: other processes can connect to it too."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from unmoor.runtime.guard.transport.types import Emit, FlushableHandler, RunCredentials, Stream


class OwnRunsFilter:
    """Forwards to the guard for active runs, each with the token of its first connection."""

    def __init__(self, guard: FlushableHandler, running: Callable[[], frozenset[str]]) -> None:
        self._guard = guard
        self._running = running
        self._tokens: dict[str, str] = {}

    async def serve(self, stream: Stream, grant: RunCredentials, emit: Emit) -> None:
        running = self._running()
        self._tokens = {run: token for run, token in self._tokens.items() if run in running}
        first = self._tokens.setdefault(grant.run, grant.token)
        if grant.run not in running or not hmac.compare_digest(first.encode(), grant.token.encode()):
            stream.abort()
            return await stream.close()
        await self._guard.serve(stream, grant, emit)

    async def settle(self) -> None:
        await self._guard.settle()
