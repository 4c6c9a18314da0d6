"""What an adapter is: how one agent program is started, read and judged. Pure: the runner does what it says.

An adapter never starts anything and never touches a file. It says which files the program needs, with which command
line and environment it is started, what each line of its output means, and how it ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, Protocol

from unmoor.runtime.config import McpServer, Model
from unmoor.runtime.events import HarnessEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardEndpoint:
    """How the program reaches the world: only by the guard's port on loopback.

    `model_url` is the guard's stand-in for the provider's base URL (`http://127.0.0.1:PORT/model`): a path after it is
    a path after the spec's `model.base_url`. `token` opens it, in whatever header the provider's own key would stand.
    `proxy_url` is the CONNECT proxy for everything else (`http://run:TOKEN@127.0.0.1:PORT`).
    """

    model_url: str
    proxy_url: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """A skill's folder name and its files: path inside the folder, content, whether it can be executed."""

    name: str
    files: tuple[tuple[str, bytes, bool], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchSpec:
    """One start of the program.

    `home`, `work` and `temp` are absolute paths, the only ones that it may write to. `programs` maps a program's name
    to its path where it is known, `node` among them. MCP servers come with their secrets put in. `session` is the id
    that the program itself gave an earlier run, or empty; `new_session` is a UUID for one that takes the caller's.
    `web` says whether the provider may reach the web for the run; where not, no tool that would have it is offered.
    """

    version: str
    args: tuple[str, ...]
    command: tuple[str, ...]
    model: Model | None
    guarded: GuardEndpoint
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FileToWrite:
    """A file that must be there before the start; an absolute path below the job's home or work."""

    path: PurePosixPath
    content: bytes
    mode: int = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """How the program is started: nothing of the prompt or of a secret is in `argv`. `environment` is all of it but
    for PATH and the locale, which the runner adds."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    stdin: bytes
    files: tuple[FileToWrite, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessExit:
    """How the process ended: its exit code, or the number of the signal that ended it; the end of what it wrote to
    standard error."""

    code: int | None
    signal: int | None
    stderr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HarnessOutcome:
    """What became of it, by the program's own last word and never by its exit code alone.

    `reason` is one line for people, empty where it succeeded; `session` is the program's id of this session, or empty;
    `answer` is the agent's last message.
    """

    status: Literal["succeeded", "failed"]
    reason: str
    session: str
    answer: str


class Reader(Protocol):
    """Reads the output of one process, a line at a time, and judges its end."""

    def feed(self, line: str) -> Iterable[HarnessEvent]:
        """What a line means; nothing for one that means nothing, or that cannot be understood."""
        ...

    def outcome(self, end: ProcessExit) -> HarnessOutcome:
        """What became of it, given how the process ended."""
        ...


class Adapter(Protocol):
    """One agent program."""

    name: str
    # The folders, relative to the job's home, that hold what a later run needs to resume a session.
    session_folders: tuple[str, ...]

    def command(self, job: LaunchSpec) -> Command:
        """How it is started."""
        ...

    def reader(self, job: LaunchSpec) -> Reader:
        """A reader for the one process that this job started."""
        ...
