"""What every program is surrounded by: one home, the guard as its only way out, and files where it looks for them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from .protocol import FileToWrite, GuardEndpoint, LaunchSpec

# Programs read the guard's token from it, so that it stands in no file and no argument.
TOKEN_VARIABLE = "UNMOOR_MODEL_TOKEN"
# How often a program tries again by itself; the guard and the runner have their own patience.
RETRIES = 2
# How long a program waits for the model's next byte: longer than the guard does, so that the guard is who gives up.
PATIENCE_S = 900
_LOOPBACK = "127.0.0.1,localhost"


def environment(job: LaunchSpec) -> dict[str, str]:
    """The variables that every program is given."""
    return {
        "HOME": str(job.home),
        "TMPDIR": str(job.temp),
        "NO_COLOR": "1",
        "TERM": "dumb",
        "GIT_TERMINAL_PROMPT": "0",
        **_proxies(job.guarded),
    }


def _proxies(guarded: GuardEndpoint) -> dict[str, str]:
    """Both spellings: curl reads only http_proxy in lower case, other programs only the upper."""
    ways = {"HTTP_PROXY": guarded.proxy_url, "HTTPS_PROXY": guarded.proxy_url, "NO_PROXY": _LOOPBACK}
    return {**ways, **{name.lower(): value for name, value in ways.items()}, "NODE_USE_ENV_PROXY": "1"}


def program(job: LaunchSpec, name: str) -> tuple[str, ...]:
    """How the program is called: where it is known to be, through its own Node if it needs one, or by its name."""
    path = str(job.programs.get(name, PurePosixPath(name)))
    if not path.endswith((".js", ".mjs", ".cjs")):
        return (path,)
    # That NODE_USE_ENV_PROXY is young is said on stderr at every start, where the reason of a failure would stand.
    return (str(job.programs.get("node", PurePosixPath("node"))), "--disable-warning=UNDICI-EHPA", path)


def instructions(job: LaunchSpec, path: str) -> tuple[FileToWrite, ...]:
    """The agent's instructions at that path of the home; nothing where there are none."""
    if not job.instructions:
        return ()
    return (FileToWrite(path=job.home / path, content=job.instructions.encode()),)


def skills(job: LaunchSpec, folder: str) -> Iterator[FileToWrite]:
    """Every file of every skill, below that folder of the home."""
    for skill in job.skills:
        for path, content, executable in skill.files:
            where = job.home / folder / skill.name / path
            yield FileToWrite(path=where, content=content, mode=0o700 if executable else 0o600)


def json_file(path: PurePosixPath, value: Mapping[str, Any]) -> FileToWrite:
    """A file of JSON that only the program can read."""
    return FileToWrite(path=path, content=json.dumps(value, indent=2, ensure_ascii=False).encode())
