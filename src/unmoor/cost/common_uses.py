"""Uses that every cloud bills, under ids that are the same in every book."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from unmoor.plan import Plan
from unmoor.pricing.line import Kind, UsageItem
from unmoor.pricing.usage import Usage

from . import workload

# How the two lines of a size end.
PROCESSORS, MEMORY = ": processors", ": memory"


def store_uses(plan: Plan, usage: Usage, *, always: Decimal, woken: Decimal, replaced_days: int) -> Iterator[UsageItem]:
    """Storage and request usage of the store, for gateways that are up for so many seconds."""
    kept = workload.stored_gib(plan, usage, replaced_days=replaced_days)
    yield UsageItem("store", "storage", "kept", "store-kept", kept, "GiB-month")
    idle, looks = workload.idle_looks(plan, always), workload.woken_looks(woken)
    yield UsageItem("store", "fixed", "queue looked into by a kept gateway", "store-write", idle, "operation")
    yield UsageItem("store", "storage", "queue looked into by a woken gateway", "store-write", looks, "operation")
    yield UsageItem("store", "storage", "written", "store-write", workload.store_writes(plan, usage), "operation")
    yield UsageItem("store", "storage", "read", "store-read", workload.store_reads(plan, usage), "operation")


def log_uses(usage: Usage, *, kept_days: int) -> Iterator[UsageItem]:
    """Log ingestion, and log storage for the retention if it is billed separately."""
    written = workload.logs_gib(usage)
    yield UsageItem("logs", "storage", "written", "logs-written", written, "GiB")
    yield UsageItem("logs", "storage", "kept", "logs-kept", written * workload.months(kept_days), "GiB-month")


def egress_uses(usage: Usage) -> Iterator[UsageItem]:
    """Egress to the internet."""
    yield UsageItem("network", "traffic", "sent to the internet", "egress", workload.egress_gib(usage), "GiB")


def compute_uses(
    part: str, kind: Kind, what: str, *, rate: str, cpu: Decimal, mib: int, seconds: Decimal, note: str = ""
) -> Iterator[UsageItem]:
    """CPU and memory seconds, priced under `<rate>-cpu` and `<rate>-memory`."""
    gib = Decimal(mib) / workload.MIB_PER_GIB
    yield UsageItem(part, kind, what + PROCESSORS, f"{rate}-cpu", cpu * seconds, "vCPU-second", note)
    yield UsageItem(part, kind, what + MEMORY, f"{rate}-memory", gib * seconds, "GiB-second", note)
