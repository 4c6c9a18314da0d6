"""Pauses between attempts that grow: the one rule for every loop that tries again."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """`first_s` after the first failure, then `factor` times the pause before, up to `cap_s`, varied by `jitter`."""

    first_s: float
    factor: float = 2.0
    cap_s: float = float("inf")
    jitter: float = 0.0

    def pause_s(self, failures: int) -> float:
        """How long to wait after this many failures in a row."""
        pause_s = self.first_s
        for _ in range(failures - 1):
            if pause_s >= self.cap_s or self.factor == 1:
                break
            pause_s *= self.factor
        return min(pause_s, self.cap_s) * random.uniform(1 - self.jitter, 1 + self.jitter)
