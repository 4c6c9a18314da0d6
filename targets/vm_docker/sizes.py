"""Docker's units: MiB, fractions of processors, and logs by size."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from unmoor.plan import Plan
from unmoor.quantities import whole_days

from .settings import DockerSettings

# One file stands for a day's log of a container: json-file rotates by size, not by age.
LOG_FILE_MIB = 10
MOST_LOG_FILES = 1000
# Above the ports of common software, below the kernel's ephemeral ports.
FIRST_PORT, PORTS = 20000, 10000
# A ulimit, which counts a user's processes on the whole machine; a run's container has its own limit.
SERVICE_PROCESSES = 4096


def cpus(cpu: Decimal) -> str:
    """A share of processors in Docker's notation."""
    return format(cpu.normalize(), "f")


def log_files(seconds: int) -> int:
    """The number of log files of LOG_FILE_MIB for that time."""
    return min(whole_days(seconds), MOST_LOG_FILES)


def listening_port(plan: Plan, settings: DockerSettings) -> int:
    """The loopback port of a gateway without a public name: the configured one, else a derived one."""
    return settings.port or loopback_port(plan)


def loopback_port(plan: Plan) -> int:
    """A port derived from agent and environment."""
    digest = hashlib.sha256(f"{plan.agent}\0{plan.environment}".encode()).digest()
    return FIRST_PORT + int.from_bytes(digest[:4], "big") % PORTS
