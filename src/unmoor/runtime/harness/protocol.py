"""What an adapter is: how one harness is started, its output read and its end interpreted.

An adapter is pure: it starts nothing and touches no file. The runner writes the files, starts the command in the given
environment, and feeds each line of output to the reader.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, Protocol

from unmoor.runtime.config import McpServer, Model
from unmoor.runtime.events import HarnessEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardEndpoint:
    """How the harness reaches the network: only by the guard's port on loopback.

    `model_url` replaces the provider's base URL (`http://127.0.0.1:PORT/model`): a path below it is a path below the
    spec's `model.base_url`. `token` replaces the provider's key, in whatever header that is sent. `proxy_url` is the
    CONNECT proxy for everything else (`http://run:TOKEN@127.0.0.1:PORT`).
    """

    model_url: str
    proxy_url: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """A skill's folder name and its files: the path inside the folder, the content, whether it is executable."""

    name: str
    files: tuple[tuple[str, bytes, bool], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchSpec:
    """One start of the harness.

    `home`, `work` and `temp` are absolute paths, the only ones that it may write to. `programs` maps a program's name
    to its path if it is known, `node` among them. MCP servers have their secrets filled in. `session` is the id that
    the harness gave an earlier run, or empty; `new_session` is a UUID for a harness that takes the caller's. `web`:
    whether the provider may reach the web for the run; otherwise no tool that requires it is offered.
    """

    version: str
    args: tuple[str, ...]
    command: tuple[str, ...]
    model: Model | None
    guard: GuardEndpoint
    home: PurePosixPath
    work: PurePosixPath
    temp: PurePosixPath
    instructions: str
    skills: tuple[Skill, ...]
    mcp_servers: tuple[McpServer, ...]
    prompt: str
    session: str
    new_session: str
    programs: Mapping[str, PurePosixPath]
    web: bool = False

    @property
    def required_model(self) -> Model:
        """The model; only the harness `command` may have none."""
        assert self.model is not None
        return self.model


@dataclass(frozen=True, slots=True, kw_only=True)
class FileToWrite:
    """A file to write before the start, at an absolute path below the home or the workspace."""

    path: PurePosixPath
    content: bytes
    mode: int = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """How the harness is started. `argv` holds nothing of the prompt and no secret. `environment` is complete except
    for PATH and the locale, which the runner adds."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    stdin: bytes
    files: tuple[FileToWrite, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessExit:
    """How the process ended: its exit code or the signal, and the end of its stderr."""

    code: int | None
    signal: int | None
    stderr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HarnessOutcome:
    """The result by the harness's own report; the exit code alone never decides.

    `reason` is one line, empty on success; `session` is the harness's id of this session, or empty; `answer` is the
    agent's last message.
    """

    status: Literal["succeeded", "failed"]
    reason: str
    session: str
    answer: str


class Reader(Protocol):
    """Reads the output of one process line by line, and interprets its end."""

    def feed(self, line: str) -> Iterable[HarnessEvent]:
        """The events of a line; none for one that means nothing or is invalid."""
        ...

    def outcome(self, end: ProcessExit) -> HarnessOutcome:
        """The outcome after the process has ended."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """One harness. `session_folders`, relative to the home, hold what a later run needs to resume a session."""

    session_folders: tuple[str, ...]
    command: Callable[[LaunchSpec], Command]
    reader: Callable[[LaunchSpec], Reader]
