"""Runs whose runners have exited without a result: they are lost before their leases expire."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from unmoor.runtime.state.run_record import Lease, RunRecord

from .look_times import SILENT_S


@dataclass(slots=True, kw_only=True)
class SilentRunners:
    """The leases that nobody should renew any more, and when each counts as lost.

    An exit alone proves nothing: another gateway may have started a second runner, which holds the lease and renews it.
    """

    ticks: Callable[[], float]
    _exited: set[str] = field(default_factory=set[str])
    _leases: dict[str, tuple[Lease, float]] = field(default_factory=dict[str, tuple[Lease, float]])

    def note_exit(self, run: str) -> None:
        self._exited.add(run)

    def observe(self, record: RunRecord) -> None:
        """Takes the lease of a run whose runner has exited, once its record has been read."""
        if record.id in self._exited:
            self._exited.discard(record.id)
            if record.status == "running" and record.lease is not None:
                self._leases[record.id] = (record.lease, self.ticks() + SILENT_S)

    def take_due(self) -> list[tuple[str, Lease]]:
        """The runs whose leases have been silent long enough, each once."""
        due = [(run, lease) for run, (lease, at) in self._leases.items() if at <= self.ticks()]
        for run, _ in due:
            del self._leases[run]
        return due

    def seconds_until_due(self) -> float:
        return min((max(0.0, at - self.ticks()) for _, at in self._leases.values()), default=float("inf"))

    def forget(self, run: str) -> None:
        self._exited.discard(run)
        self._leases.pop(run, None)
