"""Runs a harness in its sandbox until it and all of its descendants have ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from unmoor.runtime.harness.protocol import Command, ProcessExit
from unmoor.runtime.sandbox.confine import Mechanisms, prefer_as_oom_victim, prepare_sandbox
from unmoor.runtime.sandbox.landlock import Rules
from unmoor.runtime.waiting import wait_event

from .line_splitter import Line, LineSplitter
from .process_tree import become_subreaper, descendants, kill_all, reap, signal_all
from .stop import Cause, Stop

# A leftover process may hold the output open: reading ends after this long without output.
DRAIN_S = 2.0
MOST_DRAINS = 15
EXIT_POLL_S = 0.005
# About once a second: finding orphans reads all of /proc.
POLLS_TO_REAP = 200
STDERR_BYTES = 16 * 1024
PIECE = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessResult:
    """The exit, why the harness was stopped (if it was), whether it outlived its output, how many processes it left."""

    exit: ProcessExit
    cause: Cause
    lingered: bool
    left: int


async def no_backpressure() -> None:
    """Always reads on."""


async def run_confined(
    command: Command,
    *,
    rules: Rules,
    path: str,
    work: str,
    timeout_s: float,
    stop: Stop,
    on_line: Callable[[Line], None],
    backpressure: Callable[[], Awaitable[None]] = no_backpressure,
    grace_s: float = 5.0,
    linger_s: float = 30.0,
    mechanisms: Mechanisms | None = None,
) -> ProcessResult:
    """Runs the command in `work` and returns when it and all its descendants have ended; OSError if it cannot start.

    `on_line` receives each line of standard output; its error is raised once everything has ended. `backpressure` is
    awaited before more is read. After `timeout_s`, or when `stop` is requested, the harness is terminated, and killed
    `grace_s` later or sooner if hurried. After closing its output it has `linger_s` to end.
    """
    become_subreaper()
    others = frozenset(descendants(os.getpid()))
    with prepare_sandbox(rules, mechanisms) as sandbox:
        process = await asyncio.create_subprocess_exec(
            # As bytes, whatever this machine's encoding is.
            *(_encode(argument) for argument in command.argv),
            cwd=work,
            env={_encode(k): _encode(v) for k, v in harness_environment(command.environment, path).items()},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            preexec_fn=sandbox.apply,
        )
        prefer_as_oom_victim(process.pid)
        running = _RunningHarness(process, stop, on_line, backpressure, others, grace_s)
        return await running.wait(command.stdin, timeout_s, linger_s)


def harness_environment(own: Mapping[str, str], path: str) -> dict[str, str]:
    """A harness's whole environment: its adapter's variables, PATH and a locale; nothing of the runner's."""
    return {"PATH": path, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", **own}


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@dataclass(slots=True)
class _RunningHarness:
    """A started harness and the tasks that feed, read and end it; `others` are the runner's earlier descendants."""

    process: asyncio.subprocess.Process
    stop: Stop
    on_line: Callable[[Line], None]
    backpressure: Callable[[], Awaitable[None]]
    others: frozenset[int]
    grace_s: float
    stderr: bytes = b""
    lingered: bool = False
    pieces: int = 0

    async def wait(self, stdin: bytes, timeout_s: float, linger_s: float) -> ProcessResult:
        reading = asyncio.gather(self._read_output(), self._read_errors())
        feeding = asyncio.create_task(self._feed(stdin))
        ending = asyncio.create_task(self._end_on_stop(timeout_s))
        lingering = asyncio.create_task(self._end_after(reading, linger_s))
        try:
            code = await self._wait_for_exit(reading)
        finally:
            for task in (ending, lingering, feeding):
                task.cancel()
            await asyncio.gather(ending, lingering, feeding, return_exceptions=True)
            left = kill_all(os.getpid(), spare=self.others)
            self._reap()
        cause = self.stop.cause
        await self._drain(reading)
        return ProcessResult(
            exit=ProcessExit(
                code=code if code >= 0 else None,
                signal=-code if code < 0 else None,
                stderr=self.stderr.decode(errors="replace"),
            ),
            # A container that is stopped after the harness ended does not change the outcome.
            cause=cause if self.stop.cause == "stopped" else self.stop.cause,
            lingered=self.lingered,
            left=left,
        )

    async def _wait_for_exit(self, reading: asyncio.Future[Any]) -> int:
        """The exit code as soon as the process has ended: asyncio's wait() also waits for its pipes, which a daemon may
        hold open. If reading fails, the harness is killed, because it may wait for a reader."""
        polls = 0
        while self.process.returncode is None:
            if reading.done() and reading.exception() is not None:
                kill_all(os.getpid(), spare=self.others)
            await asyncio.sleep(EXIT_POLL_S)
            polls += 1
            if polls % POLLS_TO_REAP == 0:
                self._reap()
        return self.process.returncode

    async def _feed(self, stdin: bytes) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may end without reading its prompt
            self.process.stdin.write(stdin)
            await self.process.stdin.drain()
            self.process.stdin.close()

    async def _read_output(self) -> None:
        assert self.process.stdout is not None
        lines = LineSplitter()
        while piece := await self.process.stdout.read(PIECE):
            self.pieces += 1
            for line in lines.feed(piece):
                self.on_line(line)
            await asyncio.sleep(0)  # a flood of output must not starve the timeout
            await self.backpressure()
        for line in lines.end():
            self.on_line(line)

    async def _read_errors(self) -> None:
        assert self.process.stderr is not None
        while piece := await self.process.stderr.read(PIECE):
            self.stderr = (self.stderr + piece)[-STDERR_BYTES:]

    async def _end_on_stop(self, timeout_s: float) -> None:
        if not await wait_event(self.stop.event, timeout_s):
            self.stop.request("timed_out")
        await self._end(self.grace_s)

    async def _end_after(self, reading: Awaitable[object], linger_s: float) -> None:
        """Ends a harness that outlives its output."""
        await asyncio.shield(reading)
        await asyncio.sleep(linger_s)
        self.lingered = True
        await self._end(self.grace_s)

    async def _end(self, grace_s: float) -> None:
        signal_all(descendants(os.getpid(), spare=self.others), signal.SIGTERM)
        if not self.stop.hurried.is_set():
            await wait_event(self.stop.hurried, grace_s)
        if self.stop.grace_s is not None:
            await asyncio.sleep(self.stop.grace_s)
        kill_all(os.getpid(), spare=self.others)

    def _reap(self) -> None:
        """Reaps orphans; asyncio reaps the process itself."""
        reap(os.getpid(), spare=self.others | {self.process.pid})

    async def _drain(self, reading: asyncio.Future[Any]) -> None:
        """Reads on while output arrives: all known writers have ended."""
        for _ in range(MOST_DRAINS):
            before = self.pieces
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_S):
                    await asyncio.shield(reading)
            if reading.done() or self.pieces == before:
                break
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        # An unknown process may still hold the pipes; asyncio has no public method to release them.
        self.process._transport.close()  # type: ignore[attr-defined]
