"""Uses that every cloud bills, under ids that are the same in every book."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from unmoor.plan import Plan

from . import load
from .line import Kind, Use
from .usage import Usage


def store(plan: Plan, usage: Usage, *, always: Decimal, woken: Decimal, replaced_days: int) -> Iterator[Use]:
    """What is kept in the store and what is asked of it, where gateways are there for so many seconds."""
    kept = load.kept_gib(plan, usage, replaced_days=replaced_days)
    yield use("store", "storage", "kept", "store-kept", kept, "GiB-month")
    idle, looks = always / load.IDLE_S, load.store_looks(usage, always + woken)
    yield use("store", "fixed", "queue looked into by a kept gateway", "store-write", idle, "operation")
    yield use("store", "storage", "queue looked into while runs go", "store-write", looks - idle, "operation")
    yield use("store", "storage", "written", "store-write", load.store_writes(usage), "operation")
    yield use("store", "storage", "read", "store-read", load.store_reads(usage), "operation")


def logs(usage: Usage, *, kept_days: int) -> Iterator[Use]:
    """Logs written, and what is kept of them for so many days, as far as that is paid for apart."""
    written = load.logs_gib(usage)
    yield use("logs", "storage", "written", "logs-written", written, "GiB")
    yield use("logs", "storage", "kept", "logs-kept", written * load.months(kept_days), "GiB-month")


def traffic(usage: Usage) -> Iterator[Use]:
    """What leaves the platform for the internet."""
    yield use("network", "traffic", "sent to the internet", "egress", load.egress_gib(usage), "GiB")


def compute(
    part: str, kind: Kind, what: str, *, rate: str, cpu: Decimal, mib: int, seconds: Decimal, note: str = ""
) -> Iterator[Use]:
    """Processors and memory for so many seconds, priced under `<rate>-cpu` and `<rate>-memory`."""
    gib = Decimal(mib) / load.MIB_PER_GIB
    yield use(part, kind, f"{what}: processors", f"{rate}-cpu", cpu * seconds, "vCPU-second", note)
    yield use(part, kind, f"{what}: memory", f"{rate}-memory", gib * seconds, "GiB-second", note)


def use(part: str, kind: Kind, what: str, price: str, quantity: Decimal, unit: str, note: str = "") -> Use:
    """A use, in one line."""
    return Use(part=part, kind=kind, what=what, price=price, quantity=quantity, unit=unit, note=note)
