"""When the objects of the store expire, for the lifecycle rules of a bucket."""

from __future__ import annotations

from unmoor.plan import Plan
from unmoor.quantities import whole_days

# As long as runs. Bundles stay: they are small, and a running task may need an old one.
WITH_RUNS = ("budget/", "deliveries/", "queue/outbox/", "runs/", "sessions/")
# The dedup keys of schedules lie below queue/, which each look at the queue lists, and are needed only while a platform
# may deliver a fire time again: for hours.
FIRED, FIRED_DAYS = "queue/fired/", 2


def expiry_days(plan: Plan) -> dict[str, int]:
    """The age in days at which objects expire, by prefix."""
    kept = whole_days(plan.retention.runs_s)
    return dict(sorted({**dict.fromkeys(WITH_RUNS, kept), FIRED: min(FIRED_DAYS, kept)}.items()))
