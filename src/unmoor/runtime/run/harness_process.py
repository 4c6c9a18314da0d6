"""One start of a harness: confined, fed, read to its end, and nothing of it left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from unmoor.runtime.harness.protocol import Command, ProcessExit
from unmoor.runtime.sandbox.confine import prepare_sandbox
from unmoor.runtime.sandbox.landlock import Rules
from unmoor.runtime.waiting import wait_event

from .line_splitter import Line, LineSplitter
from .process_tree import become_subreaper, descendants, kill_all, reap, signal_all
from .stop import Cause, Stop

# What is left of a harness that has ended keeps its output open; this long nothing may come before it is given up.
DRAIN_S = 2.0
MOST_DRAINS = 15
EXIT_POLL_S = 0.005
# About once a second: to look for orphans reads all of /proc.
POLLS_TO_REAP = 200
STDERR_KEPT = 16 * 1024
PIECE = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessResult:
    """How the start ended: the exit; why it was ended, where it was; whether it lingered; how many were left behind."""

    exit: ProcessExit
    cause: Cause
    lingered: bool
    left: int


async def no_backpressure() -> None:
    """Nothing holds what a program writes back."""


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
) -> ProcessResult:
    """Starts the command in `work` and returns when it and all that it started are gone.

    `said` gets each line of its standard output, and `room` is awaited before more is read. `path` is its PATH. It is
    ended after `timeout_s`, or when `stop` says so: first asked, and killed `grace_s` later, or sooner if hurried. One
    that closes its output has `linger_s` to end by itself. OSError where it cannot be started at all; whatever `said`
    raised, once everything has ended.
    """
    become_subreaper()
    others = frozenset(descendants(os.getpid()))
    with prepare_sandbox(rules) as fence:
        process = await asyncio.create_subprocess_exec(
            # As bytes, whatever this machine's own encoding is.
            *(_encoded(argument) for argument in command.argv),
            cwd=work,
            env={_encoded(k): _encoded(v) for k, v in harness_environment(command.environment, path).items()},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            preexec_fn=fence.apply,
        )
    running = _RunningHarness(process, stop, on_line, backpressure, others, grace_s)
    return await running.wait(command.stdin, timeout_s, linger_s)


def harness_environment(given: Mapping[str, str], path: str) -> dict[str, str]:
    """All of a harness's environment: what its adapter gives, a PATH and a locale; nothing of the runner's own."""
    return {"PATH": path, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", **given}


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


class _RunningHarness:
    """A program that runs, and those that read, feed and end it."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        stop: Stop,
        on_line: Callable[[Line], None],
        backpressure: Callable[[], Awaitable[None]],
        others: frozenset[int],
        grace_s: float,
    ) -> None:
        self.process = process
        self.stop = stop
        self.on_line = on_line
        self.backpressure = backpressure
        self.others = others
        self.grace_s = grace_s
        self.stderr = b""
        self.lingered = False
        self.pieces = 0

    async def wait(self, stdin: bytes, timeout_s: float, linger_s: float) -> ProcessResult:
        reading = asyncio.gather(self._read_output(), self._read_errors())
        feeding = asyncio.create_task(self._feed(stdin))
        ending = asyncio.create_task(self._end_when_told(timeout_s))
        lingering = asyncio.create_task(self._end_after(reading, linger_s))
        try:
            code = await self._exited(reading)
        finally:
            for task in (ending, lingering, feeding):
                task.cancel()
            await asyncio.gather(ending, lingering, feeding, return_exceptions=True)
            left = self._end_the_rest()
        told = self.stop.cause
        await self._drained(reading)
        return ProcessResult(
            exit=ProcessExit(
                code=code if code >= 0 else None,
                signal=-code if code < 0 else None,
                stderr=self.stderr.decode(errors="replace"),
            ),
            # A container that is told to stop once the program has ended does not undo what it did.
            cause=told if self.stop.cause == "stopped" else self.stop.cause,
            lingered=self.lingered,
            left=left,
        )

    async def _exited(self, reading: asyncio.Future[Any]) -> int:
        """The exit code, as soon as the program itself is gone: asyncio's own wait() also waits for the ends of pipes,
        which a daemon may hold open for ever. One that nobody reads any more is ended: it may wait for a reader."""
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
            self.stderr = (self.stderr + piece)[-STDERR_KEPT:]

    async def _end_when_told(self, timeout_s: float) -> None:
        if not await wait_event(self.stop.event, timeout_s):
            self.stop.request("timed_out")
        await self._end(self.grace_s)

    async def _end_after(self, reading: Awaitable[object], linger_s: float) -> None:
        """Ends a program whose output has ended and which does not."""
        await asyncio.shield(reading)
        await asyncio.sleep(linger_s)
        self.lingered = True
        await self._end(self.grace_s)

    async def _end(self, grace_s: float) -> None:
        signal_all(self._ours(), signal.SIGTERM)
        if not self.stop.hurried.is_set():
            await wait_event(self.stop.hurried, grace_s)
        if self.stop.grace_s is not None:
            await asyncio.sleep(self.stop.grace_s)
        kill_all(os.getpid(), spare=self.others)

    def _end_the_rest(self) -> int:
        left = kill_all(os.getpid(), spare=self.others)
        self._reap()
        return left

    def _reap(self) -> None:
        """Takes the exits of orphans; the program's own is asyncio's to take."""
        reap(os.getpid(), spare=self.others | {self.process.pid})

    def _ours(self) -> list[int]:
        """The program and all that descends from it: what is below this process and was not there before it."""
        return descendants(os.getpid(), spare=self.others)

    async def _drained(self, reading: asyncio.Future[Any]) -> None:
        """Reads on while there is more to read: all that could write is gone, but for what got out of sight."""
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
        # Pipes that something out of sight still holds; asyncio has no public name for letting go of them.
        self.process._transport.close()  # type: ignore[attr-defined]
