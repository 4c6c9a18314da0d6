"""What the gateway asks of whatever starts runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerExit:
    """A runner that has ended: its exit code (negative: the signal that ended it) and its last complaint. `waits` where
    it never began, since there was no room for it just then."""

    run: str
    code: int
    said: str
    waits: bool = False


Told = Callable[[RunnerExit], None]


class Launcher(Protocol):
    """Starts a runner for a run by its id, stops it, knows those that are there; `told` hears of each that ended."""

    on_exit: Told

    async def start(self, run: str) -> None:
        """Starts a runner; nothing where one is on its way. InfrastructureFault where it cannot be just now, another
        RuntimeFault where it is refused."""
        ...

    async def stop(self, run: str) -> None:
        """Asks the run's runner to end within seconds; nothing where there is none."""
        ...

    def running(self) -> frozenset[str]:
        """The runs whose runners are on their way or there, as far as this launcher knows."""
        ...

    async def watch(self) -> None:
        """Hears what becomes of runners, for as long as it is awaited; it may return at once."""
        ...

    async def close(self) -> None:
        """Stops every runner that would not outlive the gateway, and returns when they are gone."""
        ...
