"""What a run is given by the process that runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unmoor.container import secret_variable
from unmoor.runtime.clock import Clock
from unmoor.runtime.errors import ConfigurationError
from unmoor.runtime.guard.transport.types import ConnectionHandler
from unmoor.runtime.harness.installed import HarnessInstallation
from unmoor.runtime.state.bundle import UnpackedBundle
from unmoor.runtime.store.protocol import Store


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
            raise ConfigurationError(f"secret {name} is missing: {secret_variable(name)} is not set")
        return self.secrets[name]
