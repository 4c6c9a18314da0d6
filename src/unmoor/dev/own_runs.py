"""Restricts a guard on loopback to the gateway's active runs: other processes can connect to it too."""

from __future__ import annotations

from collections.abc import Callable

from unmoor.runtime.guard.transport.types import Emit, FlushableHandler, RunCredentials, Stream


class OwnRunsFilter:
    """Forwards to the guard for active runs."""

    def __init__(self, guard: FlushableHandler, running: Callable[[], frozenset[str]]) -> None:
        self._guard = guard
        self._running = running

    async def serve(self, stream: Stream, grant: RunCredentials, emit: Emit) -> None:
        if grant.run not in self._running():
            stream.abort()
            return await stream.close()
        await self._guard.serve(stream, grant, emit)

    async def settle(self) -> None:
        await self._guard.settle()
