"""What a run needs from the process that executes it."""

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
from unmoor.runtime.sandbox.confine import Mechanisms
from unmoor.runtime.state.bundle import UnpackedBundle
from unmoor.runtime.store.protocol import Store

# Seconds between polls of a store that charges for each of them.
REMOTE_POLL_S = 9.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Waits in seconds: `grace_s` between terminating and killing a harness, `linger_s` for one that closed its output,
    `again_s` between attempts, `session_poll_s` and `cancel_poll_s` between polls of the session lock and of a
    cancellation (0: no polls), `store_s` before the first retry of a store operation."""

    grace_s: float = 5.0
    linger_s: float = 30.0
    again_s: float = 2.0
    session_poll_s: float = 1.0
    cancel_poll_s: float = 3.0
    store_s: float = 0.25


def timeouts_for(store: Store, *, is_launched: bool) -> Timeouts:
    """The waits for a run in this store. Where polls cost money, a gateway that cancels a run stops its container; it
    cannot find that of a run which no gateway launched, so this one polls."""
    if store.is_local:
        return Timeouts()
    return Timeouts(session_poll_s=REMOTE_POLL_S, cancel_poll_s=0 if is_launched else REMOTE_POLL_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """The store, the agent, the connection to the guard, and this machine.

    `secrets` are values by the spec's names: the run's, and the guard's where both share a process, to redact them.
    `watch` receives every event; `traced` exports traces. `git_environment` is for tests' own servers, and
    `mechanisms` for tests of older kernels.
    """

    store: Store
    bundle: UnpackedBundle
    secrets: Mapping[str, str]
    guard: ConnectionHandler
    work_root: Path
    in_image: bool
    programs: HarnessInstallation
    owner: str
    watch: Callable[[dict[str, Any]], None] = lambda event: None
    clock: Clock = lambda: datetime.now(UTC)
    traced: bool = False
    timeouts: Timeouts = field(default_factory=Timeouts)
    git_environment: Mapping[str, str] = field(default_factory=dict[str, str])
    mechanisms: Mechanisms = field(default_factory=Mechanisms)

    def secret(self, name: str) -> str:
        """A secret's value by the spec's name; ConfigurationError where this container does not hold it."""
        if name not in self.secrets:
            raise ConfigurationError(f"secret {name} is missing: {secret_variable(name)} is not set")
        return self.secrets[name]
