"""Runs as processes beside the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from unmoor.runtime.errors import TransientError
from unmoor.runtime.signals import CANCEL_SIGNAL

from .protocol import OnExit, RunnerExit

RUN = (sys.executable, "-P", "-m", "unmoor.runtime", "run")
# What a runner needs to end in order after SIGTERM.
STOP_S = 6.5
# Runners and harnesses share the gateway's processors: a lower priority lets it answer triggers in time.
NICENESS = 10
TAIL_BYTES = 4096


@dataclass(slots=True, kw_only=True)
class ProcessLauncher:
    """Starts `unmoor-agent run` with exactly this environment, which is the only place that holds secrets.

    Runners log to `output`, by default this process's standard output.
    """

    environment: Mapping[str, str] = field(repr=False)
    on_exit: OnExit = lambda exited: None
    command: Sequence[str] = RUN
    output: int | IO[bytes] | None = None
    stop_s: float = STOP_S
    _processes: dict[str, asyncio.subprocess.Process | None] = field(default_factory=dict)
    _waiting: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self, run: str) -> None:
        if run in self._processes:
            return
        self._processes[run] = None  # a second start meanwhile finds it
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command,
                run,
                env=dict(self.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=self.output,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            del self._processes[run]
            raise TransientError(f"run {run} cannot be started: {error.strerror or error}") from error
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        self._processes[run] = process
        task = asyncio.create_task(self._wait(run, process))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def stop(self, run: str) -> None:
        process = self._processes.get(run)
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)

    async def cancel(self, run: str) -> None:
        process = self._processes.get(run)
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(CANCEL_SIGNAL)

    def running(self) -> frozenset[str]:
        return frozenset(self._processes)

    async def watch(self, on_exit: OnExit) -> None:
        self.on_exit = on_exit

    async def close(self) -> None:
        for run in self.running():
            await self.stop(run)
        if self._waiting:
            await asyncio.wait(self._waiting, timeout=self.stop_s)
        for process in filter(None, list(self._processes.values())):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        if self._waiting:
            await asyncio.wait(self._waiting, timeout=1)

    async def _wait(self, run: str, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        stderr = b""
        reading = asyncio.create_task(_tail(process.stderr))
        code = await process.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):  # a process that it left behind may hold the pipe open
                stderr = await reading
        del self._processes[run]
        lines = stderr.decode(errors="replace").strip().splitlines()
        self.on_exit(RunnerExit(run=run, code=code, detail=lines[-1] if lines else ""))


async def _tail(stream: asyncio.StreamReader) -> bytes:
    tail = b""
    while piece := await stream.read(TAIL_BYTES):
        tail = (tail + piece)[-TAIL_BYTES:]
    return tail
