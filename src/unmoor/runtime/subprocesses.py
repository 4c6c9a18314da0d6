"""A program of the runner's own, such as git, run to its end: nothing of it is left, whatever becomes of the runner."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How it ended, and what it wrote."""

    code: int
    stdout: str
    stderr: str


async def run_command(
    *argv: str, env: Mapping[str, str], timeout_s: float, preexec_fn: Callable[[], None] | None = None
) -> Completed:
    """Runs a program without input in a session of its own; TimeoutError, and it is killed, where it takes too long.

    It is killed as well, with all of its session, where whoever waits for it is told to stop.
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
