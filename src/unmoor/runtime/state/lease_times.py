"""How long a lease lasts, and how often it is renewed: less often in a store that charges for each request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from unmoor.runtime.store.protocol import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTimes:
    """Seconds between renewals, and until a lease expires without one. `first_s` is the pause before the first renewal:
    pauses grow with the run's age, because a renewal also reads what others ask of the run."""

    first_s: float
    renew_s: float
    lease_s: float

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_s)

    def pause_s(self, age_s: float) -> float:
        """Seconds until the next renewal of a run that is this old."""
        return min(max(age_s, self.first_s), self.renew_s)


LOCAL = LeaseTimes(first_s=15, renew_s=15, lease_s=60)
# A renewal costs as much as any other write: 48 of them an hour instead of 240.
REMOTE = LeaseTimes(first_s=5, renew_s=75, lease_s=300)


def lease_times(store: Store) -> LeaseTimes:
    """The times for runs and sessions in this store. Every lease states when it expires, so readers need no times."""
    return LOCAL if store.is_local else REMOTE
