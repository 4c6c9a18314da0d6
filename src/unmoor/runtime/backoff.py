"""Growing pauses between attempts: the one rule for every retry loop."""

from __future__ import annotations

import random
from dataclasses import dataclass

# A larger exponent would overflow a float.
MAX_EXPONENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """`first_s` after the first failure, then `factor` times the pause before, up to `cap_s`, varied by `jitter`."""

    first_s: float
    factor: float = 2.0
    cap_s: float = float("inf")
    jitter: float = 0.0

    def pause_s(self, failures: int) -> float:
        """The pause after this many consecutive failures."""
        pause_s = min(self.first_s * self.factor ** max(0, min(failures - 1, MAX_EXPONENT)), self.cap_s)
        return pause_s * random.uniform(1 - self.jitter, 1 + self.jitter)
