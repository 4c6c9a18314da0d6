"""What the gateway asks of whatever starts runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """A runner that has ended: its exit code (negative: the signal that ended it) and its last complaint."""

    run: str
    code: int
    said: str


Told = Callable[[Exited], None]


class Launcher(Protocol):
    """Starts a runner for a run by its id, stops it, knows those that are there; `told` hears of each that ended."""

    told: Told

    async def start(self, run: str) -> None:
        """Starts a runner; nothing where there is one of that run already. InfrastructureFault where it cannot be."""
        ...

    async def stop(self, run: str) -> None:
        """Asks the run's runner to end within seconds; nothing where there is none."""
        ...

    def running(self) -> frozenset[str]:
        """The runs whose runners this launcher has started and that have not ended."""
        ...

    async def close(self) -> None:
        """Stops every runner, and returns when they are gone."""
        ...
