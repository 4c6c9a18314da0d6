"""Docker's command line, with secrets in its environment and in no argument."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping

from unmoor.errors import UnmoorError


class DockerCli:
    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._environment = {**os.environ, **secrets}

    async def run(self, command: list[str]) -> None:
        """Runs a command; UnmoorError with its last line of output if it fails."""
        code, output = await self.try_run(command)
        if code:
            raise UnmoorError(f"docker {command[0]}: {last_line(output)}")

    async def try_run(self, command: list[str]) -> tuple[int, str]:
        """Runs a command; its exit code and all that it output."""
        try:
            process = await asyncio.create_subprocess_exec(
                "docker",
                *command,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise UnmoorError("unmoor dev --docker needs Docker; install it, or remove --docker") from None
        output, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, output.decode(errors="replace")


def last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"
