"""What the gateway requires of a launcher."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerExit:
    """A runner that has exited: its code (negative: the signal that killed it) and its last line of standard error.
    `no_capacity`: it never began, because the platform had no capacity."""

    run: str
    code: int
    detail: str
    no_capacity: bool = False


OnExit = Callable[[RunnerExit], None]


class Launcher(Protocol):
    """Starts and stops a runner for each run, and reports its exit."""

    async def start(self, run: str) -> None:
        """Starts a runner, unless the run has one. TransientError: try again later; another UnmoorRuntimeError: the
        platform refuses."""
        ...

    async def stop(self, run: str) -> None:
        """Asks the run's runner, if it has one, to end within seconds."""
        ...

    async def cancel(self, run: str) -> None:
        """Tells the run's runner, if it has one, that its run is cancelled. A platform can only stop its container, and
        the runner then finds the request in the store."""
        ...

    def running(self) -> frozenset[str]:
        """The runs whose runners are starting or running, as far as this launcher knows."""
        ...

    async def watch(self, on_exit: OnExit) -> None:
        """Reports each runner's exit from now on; it may return at once, or poll the platform until it is cancelled."""
        ...

    async def close(self) -> None:
        """Stops the runners that would not outlive the gateway, and waits for them."""
        ...
