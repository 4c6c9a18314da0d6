"""What of a bill is unmoor's own: what it costs above the same compute bare.

Bare is what the spec requests for a run, for as long as its container is billed, at the platform's own price. The rest
of a run's container is the guard beside it, and what the platform rounds up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from unmoor.plan import Plan
from unmoor.pricing.line import CostLine, Total, total
from unmoor.pricing.units import MIB_PER_GIB, convert
from unmoor.pricing.usage import Usage

from . import workload
from .common_uses import MEMORY, PROCESSORS


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnShare:
    """The bare compute, and what the guard, the gateway and the store cost on top."""

    bare: Total
    guard: Total
    gateway: Total
    store: Total

    @property
    def total(self) -> Total:
        return self.guard + self.gateway + self.store

    def parts(self) -> tuple[tuple[str, Total], ...]:
        return (("guard", self.guard), ("gateway", self.gateway), ("store", self.store))

    def ratio(self, part: Total) -> Decimal | None:
        """The part as a share of the bare compute; None where that is free or either is unknown."""
        known = self.bare.is_complete and part.is_complete and self.bare.known
        return part.known / self.bare.known if known else None

    def __add__(self, other: OwnShare) -> OwnShare:
        return OwnShare(
            bare=self.bare + other.bare,
            guard=self.guard + other.guard,
            gateway=self.gateway + other.gateway,
            store=self.store + other.store,
        )


NO_SHARE = OwnShare(bare=Total(), guard=Total(), gateway=Total(), store=Total())


def own_share(plan: Plan, usage: Usage, lines: Sequence[CostLine]) -> OwnShare | None:
    """The share in a bill; None where runs have no containers that are billed by the second, as on a machine."""
    run = [line for line in lines if line.part == "run"]
    compute = [line for line in run if line.kind == "runs" and line.what.endswith((PROCESSORS, MEMORY))]
    if not compute or any(line.kind == "fixed" for line in run):
        return None
    bare = tuple(_bare_lines(plan, usage, compute))
    beside = total(compute).known - total(bare).known
    return OwnShare(
        bare=total(bare),
        guard=_part(lines, "guard") + Total(known=beside, missing=total(compute).missing),
        gateway=_part(lines, "gateway"),
        store=_part(lines, "store"),
    )


def _part(lines: Iterable[CostLine], part: str) -> Total:
    return total(line for line in lines if line.part == part)


def _bare_lines(plan: Plan, usage: Usage, compute: Iterable[CostLine]) -> Iterator[CostLine]:
    """The lines with their amounts for what the spec requests. A free tier covers both alike."""
    seconds = workload.run_seconds(usage)
    for line in compute:
        if line.what.endswith(PROCESSORS):
            wanted = convert(plan.run.cpu * seconds, "vCPU-second", line.unit)
        else:
            wanted = convert(plan.run.memory_mib / MIB_PER_GIB * seconds, "GiB-second", line.unit)
        part = min(wanted / line.quantity, Decimal(1))
        yield CostLine(
            part=line.part,
            kind=line.kind,
            what=line.what,
            quantity=line.quantity * part,
            unit=line.unit,
            amount=None if line.amount is None else line.amount * part,
            unknown=line.unknown,
        )
