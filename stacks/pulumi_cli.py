"""The pulumi program on this machine: finding, running, interrupting and installing it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pulumi import automation
from semver import VersionInfo

from unmoor.errors import UnmoorError
from unmoor.stacks.versions import OLDEST

INSTALL = "unmoor doctor --install, or https://www.pulumi.com/docs/install/"


class PulumiCli(automation.PulumiCommand):
    """The pulumi on PATH, run in a session of its own so that only `interrupt` stops it on Ctrl-C.

    UnmoorError if it is missing or too old.
    """

    def __init__(self) -> None:
        found = shutil.which("pulumi")
        if found is None:
            raise UnmoorError(f"pulumi is not on PATH and deploying needs it; install it: {INSTALL}")
        self.command = found
        self.version = _version(found)
        self.running: subprocess.Popen[str] | None = None
        if self.version < VersionInfo.parse(OLDEST):
            rule = f"pulumi {self.version} is older than {OLDEST}, the oldest supported version"
            raise UnmoorError(f"{rule}; install a newer one: {INSTALL}")

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], Any] | None = None,
        on_error: Callable[[str], Any] | None = None,
        *,
        stdin: str | None = None,
    ) -> automation.CommandResult:
        """Run pulumi as the SDK does, but never with this process's standard input."""
        environment = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        command = [self.command, "--non-interactive", *args]
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment,
            encoding="utf-8",
            start_new_session=True,
        ) as process:
            self.running = process
            try:
                stdout, stderr = process.communicate(stdin)
            finally:
                self.running = None
        result = automation.CommandResult(stdout.rstrip(), stderr.rstrip(), process.returncode)
        if process.returncode:
            raise automation.errors.create_command_error(result)
        return result

    def interrupt(self) -> None:
        """Stop the running engine: the first call lets operations in progress finish, the second stops at once."""
        if (process := self.running) is not None:
            process.send_signal(signal.SIGINT)


def install_cli(say: Callable[[str], None]) -> str:
    """Run Pulumi's own installer, and return the path of the installed program."""
    root = Path("~/.pulumi").expanduser()
    say(f"running https://get.pulumi.com/install.sh --install-root {root}")
    try:
        automation.PulumiCommand.install(root=str(root))
    except (OSError, subprocess.CalledProcessError) as error:
        failed = isinstance(error, subprocess.CalledProcessError)
        output = error.output.decode(errors="replace").strip() if failed else ""
        raise UnmoorError(f"Pulumi's installer failed: {output.splitlines()[-1] if output else error}") from None
    return str(root / "bin" / "pulumi")


def _version(command: str) -> VersionInfo:
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    done = subprocess.run(
        [command, "version"], capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL
    )
    try:
        return VersionInfo.parse(done.stdout.strip().removeprefix("v"))
    except ValueError:
        output = (done.stderr or done.stdout).strip()[:200]
        raise UnmoorError(f"{command} printed {output!r} for its version; reinstall it: {INSTALL}") from None
