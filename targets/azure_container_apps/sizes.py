"""Container Apps' sizes: https://learn.microsoft.com/azure/container-apps/containers#allocations"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from unmoor.quantities import whole_days

# Consumption: processors in quarters, 2 GiB for each processor, for all containers of a replica together.
STEP_CPU = Decimal("0.25")
STEP_MEMORY_MIB = 512
MOST_STEPS = 16
# Dedicated: processors and GiB of one machine; a replica must fit on it.
# https://learn.microsoft.com/azure/container-apps/workload-profiles-overview
MACHINES = {
    "D4": (4, 16),
    "D8": (8, 32),
    "D16": (16, 64),
    "D32": (32, 128),
    "E4": (4, 32),
    "E8": (8, 64),
    "E16": (16, 128),
    "E32": (32, 256),
}
# Ephemeral storage of a replica, all containers and volumes together, up to so many processors.
# https://learn.microsoft.com/azure/container-apps/storage-mounts#ephemeral-storage
DISK_MIB = ((Decimal("0.25"), 1024), (Decimal("0.5"), 2048), (Decimal(1), 4096))
MOST_DISK_MIB = 8192
# https://learn.microsoft.com/azure/azure-monitor/logs/data-retention-configure
LEAST_LOG_DAYS = 30
MOST_LOG_DAYS = 730


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Processors and memory of a replica or a container."""

    cpu: Decimal
    memory_mib: int

    def __sub__(self, other: Size) -> Size:
        return Size(cpu=self.cpu - other.cpu, memory_mib=self.memory_mib - other.memory_mib)

    @property
    def memory(self) -> str:
        """Memory as Container Apps writes it: 2560 MiB are `2.5Gi`."""
        return f"{format((Decimal(self.memory_mib) / 1024).normalize(), 'f')}Gi"


def consumption_size(request: Size) -> Size | None:
    """The cheapest legal size on Consumption that holds the request, or None."""
    steps = max(math.ceil(request.cpu / STEP_CPU), math.ceil(request.memory_mib / STEP_MEMORY_MIB))
    if steps > MOST_STEPS:
        return None
    return Size(cpu=STEP_CPU * steps, memory_mib=STEP_MEMORY_MIB * steps)


def dedicated_size(request: Size, machine: str) -> Size | None:
    """The request in whole hundredths of a processor, or None if it does not fit on one machine."""
    cpu, gib = MACHINES[machine]
    if request.cpu > cpu or request.memory_mib > gib * 1024:
        return None
    return Size(cpu=Decimal(math.ceil(request.cpu * 100)) / 100, memory_mib=request.memory_mib)


def disk_mib(cpu: Decimal) -> int:
    """Ephemeral storage of a replica by its processors."""
    return next((disk for most, disk in DISK_MIB if cpu <= most), MOST_DISK_MIB)


def cpu_for_disk(mib: int) -> Decimal | None:
    """The fewest processors with that much ephemeral storage, or None."""
    grid = (STEP_CPU * steps for steps in range(1, MOST_STEPS + 1))
    return next((cpu for cpu in grid if disk_mib(cpu) >= mib), None)


def log_days(seconds: int) -> int | None:
    """The shortest retention of Log Analytics that is long enough, or None."""
    needed = max(whole_days(seconds), LEAST_LOG_DAYS)
    return needed if needed <= MOST_LOG_DAYS else None
