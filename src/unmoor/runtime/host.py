"""What a run is given by the process that runs it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from .bundle import UnpackedBundle
from .claim import Clock
from .config import secret_variable
from .errors import ConfigurationError
from .guard.way import ConnectionHandler
from .store.objects import Store

PROGRAMS = "UNMOOR_PROGRAMS"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class HarnessInstallation:
    """Where the harness is: by program name; the folders that it must be able to read; the PATH that it is given."""

    paths: Mapping[str, PurePosixPath] = field(default_factory=dict[str, PurePosixPath])
    folders: tuple[Path, ...] = ()
    path: str = SYSTEM_PATH


def harness_installation_from_env(environment: Mapping[str, str]) -> HarnessInstallation | None:
    """What UNMOOR_PROGRAMS says of a harness that is installed on a person's machine; None in an image."""
    if not (text := environment.get(PROGRAMS)):
        return None
    values = json.loads(text)
    return HarnessInstallation(
        paths={name: PurePosixPath(path) for name, path in values["paths"].items()},
        folders=tuple(Path(folder) for folder in values["folders"]),
        path=values["path"],
    )


def harness_installation_variable(programs: HarnessInstallation) -> dict[str, str]:
    """The variable by which a runner outside of an image is told where its harness is."""
    values = {
        "paths": {name: str(path) for name, path in programs.paths.items()},
        "folders": [str(folder) for folder in programs.folders],
        "path": programs.path,
    }
    return {PROGRAMS: json.dumps(values)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long each thing is waited for, in seconds.

    `grace_s`: between asking a harness to end and ending it. `linger_s`: for one that has closed its output, and so has
    nothing more to say. `again_s`: between two attempts. `session_poll_s` and `cancel_poll_s`: between two looks at
    whether the session is free, and whether somebody wants the run to end. `store_s`: before the store is asked again
    for what a run cannot do without, and twice that the next time. `renew_s`: between two signs of life.
    """

    grace_s: float = 5.0
    linger_s: float = 30.0
    again_s: float = 2.0
    session_poll_s: float = 1.0
    cancel_poll_s: float = 3.0
    store_s: float = 0.25
    renew_s: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """The store, the agent, the way to the guard, and this machine.

    `secrets` holds the values by the spec's names: what the run holds, and, where guard and run share a process, what
    must not be written either. `watch` sees every event as it is written; `traced` sends traces as well, as
    OpenTelemetry's variables say. `git_environment` is for tests' own servers.
    """

    store: Store
    bundle: UnpackedBundle
    secrets: Mapping[str, str]
    way: ConnectionHandler
    work_root: Path
    in_an_image: bool
    programs: HarnessInstallation
    owner: str
    watch: Callable[[dict[str, Any]], None] = lambda event: None
    clock: Clock = lambda: datetime.now(UTC)
    traced: bool = False
    patience: Timeouts = field(default_factory=Timeouts)
    git_environment: Mapping[str, str] = field(default_factory=dict[str, str])

    def secret(self, name: str) -> str:
        """A secret's value by the spec's name; ConfigurationFault where this container was not given it."""
        if name not in self.secrets:
            raise ConfigurationError(f"secret {name} is not here: {secret_variable(name)} is not set")
        return self.secrets[name]
