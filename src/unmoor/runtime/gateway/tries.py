"""How often a run's start is tried, and how long is waited between."""

from __future__ import annotations

from dataclasses import dataclass

# A runner that ends without having taken its run is started this often. A start that the platform refuses is tried for
# about ten minutes: rights that were just granted take that long to be known everywhere.
# https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#symptom---role-assignment-changes-are-not-being-detected
STARTS, REFUSALS = 3, 14
FIRST_S, LONGEST_S = 2.0, 60.0


@dataclass(slots=True)
class StartBackoff:
    """A run's starts so far. What the platform cannot do just now is tried without end, less and less often."""

    ended: int = 0
    refused: int = 0
    in_vain: int = 0
    not_before: float = 0.0
    said: str = ""

    @property
    def exhausted(self) -> bool:
        """Whether it is given up."""
        return self.ended >= STARTS or self.refused >= REFUSALS

    def record_crash(self, said: str) -> None:
        """A runner was there, and did not take its run."""
        self.ended += 1
        self.said = said

    def record_rejection(self, said: str, *, now: float) -> None:
        """The platform said no."""
        self.refused += 1
        self.record_unavailable(said, now=now)

    def record_unavailable(self, said: str, *, now: float) -> None:
        """There is no room, or nobody answers."""
        self.said = said
        self.not_before = now + min(FIRST_S * 2**self.in_vain, LONGEST_S)
        self.in_vain = min(self.in_vain + 1, 10)
