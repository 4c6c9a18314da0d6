"""Cloud Run's sizes: https://docs.cloud.google.com/run/docs/configuring/services/memory-limits"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from unmoor.quantities import whole_days

# Least and greatest memory in MiB by processors. Fractions of a processor are excluded: a service would take one
# request at a time, and a job cannot have them. The second generation needs 512 MiB.
# https://docs.cloud.google.com/run/docs/configuring/services/cpu
MEMORY_MIB = {1: (512, 4096), 2: (512, 8192), 4: (2048, 16384), 6: (4096, 24576), 8: (4096, 32768)}
# https://docs.cloud.google.com/run/docs/configuring/services/ephemeral-disk
LEAST_DISK_GIB = 10
# https://docs.cloud.google.com/run/docs/configuring/task-timeout
MOST_TASK_S = 168 * 3600
# https://docs.cloud.google.com/logging/quotas#logs_retention_periods
MOST_LOG_DAYS = 3650


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A legal pair: whole processors and memory in MiB."""

    cpu: int
    memory_mib: int

    @property
    def limits(self) -> dict[str, str]:
        """The pair in Cloud Run's notation."""
        return {"cpu": str(self.cpu), "memory": f"{self.memory_mib}Mi"}


def cloud_run_size(cpu: Decimal, memory_mib: int) -> Size | None:
    """The cheapest legal size that holds the request, or None."""
    for processors, (least, most) in MEMORY_MIB.items():
        if processors >= cpu and most >= memory_mib:
            return Size(cpu=processors, memory_mib=max(least, memory_mib))
    return None


def disk_gib(disk_mib: int) -> int:
    """An ephemeral disk in GiB, at least the smallest."""
    return max(LEAST_DISK_GIB, math.ceil(disk_mib / 1024))


def log_days(seconds: int) -> int | None:
    """A log bucket's retention in days, or None if it is too long."""
    return whole_days(seconds) if whole_days(seconds) <= MOST_LOG_DAYS else None
