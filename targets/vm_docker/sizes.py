"""How a machine's Docker counts: MiB, fractions of processors, and logs by size."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from unmoor.plan import Plan
from unmoor.quantities import whole_days

from .settings import DockerSettings

# A day's worth of one container's log: json-file rotates by size and knows no age.
LOG_FILE_MIB = 10
MOST_LOG_FILES = 1000
# Above what other software usually takes, below what the kernel hands out by itself.
FIRST_PORT, PORTS = 20000, 10000
# A ulimit, which counts a user's processes on the whole machine; a run's container has a limit of its own.
SERVICE_PROCESSES = 4096


def cpus(cpu: Decimal) -> str:
    """A share of processors as Docker writes it."""
    return format(cpu.normalize(), "f")


def log_files(seconds: int) -> int:
    """How many files of LOG_FILE_MIB stand for that time."""
    return min(whole_days(seconds), MOST_LOG_FILES)


def listening_port(plan: Plan, settings: DockerSettings) -> int:
    """Where a gateway without a public name listens on the machine's loopback: the port that is set, else one made."""
    return settings.port or loopback_port(plan)


def loopback_port(plan: Plan) -> int:
    """A port that two agents, or two environments of one, hardly ever share."""
    digest = hashlib.sha256(f"{plan.agent}\0{plan.environment}".encode()).digest()
    return FIRST_PORT + int.from_bytes(digest[:4], "big") % PORTS
