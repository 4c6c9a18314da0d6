"""The runner's side of a self-test: succeeds if the guard answers. The trigger is in ../self_test_trigger.py."""

from __future__ import annotations

import asyncio

from unmoor.runtime.guard.transport.types import ConnectionHandler, Emit, RunCredentials
from unmoor.runtime.self_test_trigger import WHOLE

from .guard_port import GuardPort
from .outcome import RunOutcome

# Longer than a guard beside the run takes to start.
PATIENCE_S = 30.0
QUESTION = b"GET /self-test HTTP/1.1\r\nHost: unmoor.invalid\r\nConnection: close\r\n\r\n"


async def self_test(guard: ConnectionHandler, grant: RunCredentials, emit: Emit) -> RunOutcome:
    """The outcome of a self-test: it succeeds if the guard answers anything."""
    async with GuardPort(guard, grant, emit) as port:
        if await _guard_answers(port.number):
            return RunOutcome(status="succeeded", reason="", answer=WHOLE)
    return RunOutcome(status="failed", reason="the guard does not answer, so runs cannot reach a model")


async def _guard_answers(port: int) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(QUESTION)
                return bool(await reader.read(1))
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError):
        return False
