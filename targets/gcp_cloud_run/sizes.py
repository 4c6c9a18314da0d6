"""Cloud Run's sizes.

https://docs.cloud.google.com/run/docs/configuring/services/cpu
https://docs.cloud.google.com/run/docs/configuring/services/memory-limits
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

from unmoor.quantities import whole_days

# Least and greatest memory in MiB by processors. The second generation needs 512 MiB, and a job whole processors.
MEMORY_MIB = {1: (512, 4096), 2: (512, 8192), 4: (2048, 16384), 6: (4096, 24576), 8: (4096, 32768)}
# Fractions of a processor, in steps of 0.001, with the most memory of each. An instance then takes one request at a
# time, is billed by request, and has the first generation's environment, which needs 128 MiB.
FRACTIONS_MIB = {Decimal("0.08"): 512, Decimal("0.5"): 1024}
FIRST_GENERATION_MIB = 128
# https://docs.cloud.google.com/run/docs/configuring/services/ephemeral-disk
LEAST_DISK_GIB = 10
# https://docs.cloud.google.com/run/docs/configuring/task-timeout
MOST_TASK_S = 168 * 3600
# https://docs.cloud.google.com/logging/quotas#logs_retention_periods
MOST_LOG_DAYS = 3650


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A legal pair: processors and memory in MiB."""

    cpu: Decimal | int
    memory_mib: int

    @property
    def limits(self) -> dict[str, str]:
        """The pair in Cloud Run's notation."""
        cpu = str(self.cpu) if self.cpu == int(self.cpu) else f"{int(self.cpu * 1000)}m"
        return {"cpu": cpu, "memory": f"{self.memory_mib}Mi"}


def cloud_run_size(cpu: Decimal, memory_mib: int) -> Size | None:
    """The cheapest legal size that holds the request, or None."""
    for processors, (least, most) in MEMORY_MIB.items():
        if processors >= cpu and most >= memory_mib:
            return Size(cpu=processors, memory_mib=max(least, memory_mib))
    return None


def one_request_size(cpu: Decimal, memory_mib: int) -> Size:
    """The cheapest size that holds the request in an instance that takes one request at a time."""
    for least, most in FRACTIONS_MIB.items():
        given = max(cpu.quantize(Decimal("0.001"), ROUND_UP), least)
        if given < 1 and most >= memory_mib:
            return Size(cpu=given, memory_mib=max(FIRST_GENERATION_MIB, memory_mib))
    size = cloud_run_size(cpu, memory_mib)
    assert size is not None, "no guard is larger than every size"
    return size


def disk_gib(disk_mib: int) -> int:
    """An ephemeral disk in GiB, at least the smallest."""
    return max(LEAST_DISK_GIB, math.ceil(disk_mib / 1024))


def log_days(seconds: int) -> int | None:
    """A log bucket's retention in days, or None if it is too long."""
    return whole_days(seconds) if whole_days(seconds) <= MOST_LOG_DAYS else None
