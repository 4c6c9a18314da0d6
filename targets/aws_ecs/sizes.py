"""Fargate's sizes:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from unmoor.quantities import whole_days

# Memory sizes in MiB by processor units.
MEMORY_MIB = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4097, 1024)),
    1024: tuple(range(2048, 8193, 1024)),
    2048: tuple(range(4096, 16385, 1024)),
    4096: tuple(range(8192, 30721, 1024)),
    8192: tuple(range(16384, 61441, 4096)),
    16384: tuple(range(32768, 122881, 8192)),
}
INCLUDED_DISK_GIB = 20
MOST_DISK_GIB = 200
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LOG_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)


@dataclass(frozen=True, slots=True, kw_only=True)
class FargateSize:
    """A legal pair: processor units (1024 per processor) and memory in MiB."""

    cpu: int
    memory_mib: int


def fargate_size(cpu: Decimal, memory_mib: int) -> FargateSize | None:
    """The cheapest legal size that holds the request, or None."""
    for units, sizes in MEMORY_MIB.items():
        if units >= cpu * 1024:
            enough = next((m for m in sizes if m >= memory_mib), None)
            if enough is not None:
                return FargateSize(cpu=units, memory_mib=enough)
    return None


def units(cpu: Decimal) -> int:
    """Processor units of a share, rounded up."""
    return math.ceil(cpu * 1024)


def disk_gib(disk_mib: int) -> int:
    """Ephemeral storage in GiB, at least what is included."""
    return max(INCLUDED_DISK_GIB, math.ceil(disk_mib / 1024))


def log_days(seconds: int) -> int | None:
    """The shortest retention of CloudWatch that is long enough, or None."""
    return next((d for d in LOG_DAYS if d >= whole_days(seconds)), None)
