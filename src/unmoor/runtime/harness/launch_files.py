"""The common part of every launch: one home, the guard as the only egress, and files where the harness reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from .protocol import Command, FileToWrite, LaunchSpec

# Harnesses read the guard's token from it, so that no file and no argument holds it.
TOKEN_VARIABLE = "UNMOOR_MODEL_TOKEN"
# How often a harness retries itself; the guard and the runner have their own limits.
RETRIES = 2
# How long a harness waits for the model's next byte: longer than the guard, so that the guard times out first.
PATIENCE_S = 900
_LOOPBACK = "127.0.0.1,localhost"


def launch_command(
    launch: LaunchSpec,
    name: str,
    arguments: Iterable[str],
    *,
    variables: Mapping[str, str],
    files: Iterable[FileToWrite],
) -> Command:
    """How the program of that name is started; it reads the prompt from stdin."""
    return Command(
        argv=(*_program(launch, name), *arguments),
        environment={**environment(launch), **variables},
        stdin=launch.prompt.encode(),
        files=tuple(files),
    )


def environment(launch: LaunchSpec) -> dict[str, str]:
    """The variables of every harness. Proxies in both spellings: curl reads http_proxy only in lower case."""
    proxy = launch.guard.proxy_url
    proxies = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "NO_PROXY": _LOOPBACK}
    return {
        "HOME": str(launch.home),
        "TMPDIR": str(launch.temp),
        "NO_COLOR": "1",
        "TERM": "dumb",
        "GIT_TERMINAL_PROMPT": "0",
        **proxies,
        **{name.lower(): value for name, value in proxies.items()},
        "NODE_USE_ENV_PROXY": "1",
    }


def _program(launch: LaunchSpec, name: str) -> tuple[str, ...]:
    """The program's path if it is known, through its own Node if it is a script; otherwise its name."""
    path = str(launch.programs.get(name, PurePosixPath(name)))
    if not path.endswith((".js", ".mjs", ".cjs")):
        return (path,)
    # Node warns on stderr at every start that NODE_USE_ENV_PROXY is experimental, in place of a failure's reason.
    return (str(launch.programs.get("node", PurePosixPath("node"))), "--disable-warning=UNDICI-EHPA", path)


def instructions(launch: LaunchSpec, path: str) -> tuple[FileToWrite, ...]:
    """The agent's instructions at that path of the home, if it has any."""
    if not launch.instructions:
        return ()
    return (FileToWrite(path=launch.home / path, content=launch.instructions.encode()),)


def skills(launch: LaunchSpec, folder: str) -> Iterator[FileToWrite]:
    """Every file of every skill, below that folder of the home."""
    for skill in launch.skills:
        for path, content, executable in skill.files:
            target = launch.home / folder / skill.name / path
            yield FileToWrite(path=target, content=content, mode=0o700 if executable else 0o600)


def json_file(path: PurePosixPath, value: Mapping[str, Any]) -> FileToWrite:
    """A JSON file that only the harness's user can read."""
    return FileToWrite(path=path, content=json.dumps(value, indent=2, ensure_ascii=False).encode())
