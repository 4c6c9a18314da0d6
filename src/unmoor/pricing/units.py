"""Billing units: a size, a time, or both, such as `vCPU-second`, `GiB-month`, `request`."""

from __future__ import annotations

from decimal import Decimal

HOURS_PER_MONTH = Decimal(730)  # as the clouds' own calculators have it
SECONDS_PER_HOUR = Decimal(3600)
SECONDS_PER_MONTH = HOURS_PER_MONTH * SECONDS_PER_HOUR
DAYS_PER_MONTH = HOURS_PER_MONTH / 24
MIB_PER_GIB = Decimal(1024)

SECONDS = {
    "second": Decimal(1),
    "hour": SECONDS_PER_HOUR,
    "day": 24 * SECONDS_PER_HOUR,
    "month": SECONDS_PER_MONTH,
}
BYTES = {
    "MiB": Decimal(1024**2),
    "GiB": Decimal(1024**3),
    "TiB": Decimal(1024**4),
    "GB": Decimal(1000**3),
}
# What has no other unit to be turned into.
COUNTED = ("vCPU", "session", "LCU", "request", "operation", "access", "secret", "job", "zone", "run", "event", "alarm")


def is_known_unit(unit: str) -> bool:
    """Whether the text is a unit."""
    size, time = _parts(unit)
    return (size == "" or size in BYTES or size in COUNTED) and (time == "" or time in SECONDS) and unit != ""


def convert(quantity: Decimal, unit: str, to: str) -> Decimal:
    """The quantity in another unit of the same kind; ValueError for another kind."""
    if unit == to:
        return quantity
    (size, time), (to_size, to_time) = _parts(unit), _parts(to)
    for one, other, table in ((size, to_size, BYTES), (time, to_time, SECONDS)):
        if one != other:
            if one not in table or other not in table:
                raise ValueError(f"{unit} cannot be counted in {to}")
            quantity = quantity * table[one] / table[other]
    return quantity


def _parts(unit: str) -> tuple[str, str]:
    """`GiB-month` as its size and its time; either may be empty."""
    size, dash, time = unit.rpartition("-")
    if dash:
        return size, time
    return ("", unit) if unit in SECONDS else (unit, "")
