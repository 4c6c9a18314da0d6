"""Runs a program of the runner's own, such as git, to its end; no process of it remains."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A program's exit code and output."""

    code: int
    stdout: str
    stderr: str


async def run_command(
    *argv: str, env: Mapping[str, str], timeout_s: float, preexec_fn: Callable[[], None] | None = None
) -> Completed:
    """Runs a program without input in a session of its own; TimeoutError if it takes too long.

    On a timeout or cancellation its whole session is killed.
    """
    process = await asyncio.create_subprocess_exec(
        *argv,
        env=dict(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        preexec_fn=preexec_fn,
    )
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    assert process.returncode is not None
    return Completed(code=process.returncode, stdout=out.decode(errors="replace"), stderr=err.decode(errors="replace"))
