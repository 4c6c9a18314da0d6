"""Durations, sizes and processor shares as people write them, and as numbers."""

from __future__ import annotations

import re
from decimal import Decimal

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DAY_S = 86400
MEBIBYTES = {"Mi": 1, "Gi": 1024, "Ti": 1024 * 1024}


def seconds(text: str) -> int:
    """`30m` as 1800; units s, m, h, d; ValueError says what is allowed."""
    match = re.fullmatch(r"([1-9]\d{0,8})([smhd])", text)
    if match is None:
        raise ValueError(
            f"{quote_truncated(text)} is not a duration; write a whole number and s, m, h or d, such as 30m"
        )
    return int(match[1]) * SECONDS[match[2]]


def mebibytes(text: str) -> int:
    """`2Gi` as 2048; units Mi, Gi, Ti; ValueError says what is allowed."""
    match = re.fullmatch(r"([1-9]\d{0,8}(?:\.\d{1,3})?)(Mi|Gi|Ti)", text)
    if match is None:
        raise ValueError(f"{quote_truncated(text)} is not a size; write a number and Mi, Gi or Ti, such as 2Gi")
    size = Decimal(match[1]) * MEBIBYTES[match[2]]
    if size != int(size):
        raise ValueError(f"{quote_truncated(text)} is not a whole number of Mi; write it in Mi, such as 1536Mi")
    return int(size)


def duration_text(value: int) -> str:
    """Seconds in the largest unit that divides them: 1800 is `30m`."""
    unit = next(u for u in ("d", "h", "m", "s") if value % SECONDS[u] == 0)
    return f"{value // SECONDS[unit]}{unit}"


def size_text(mebi: int) -> str:
    """Mebibytes in the largest unit that divides them: 2048 is `2Gi`."""
    unit = next(u for u in ("Ti", "Gi", "Mi") if mebi % MEBIBYTES[u] == 0)
    return f"{mebi // MEBIBYTES[unit]}{unit}"


def cpu_text(cpu: Decimal) -> str:
    """A processor share without trailing zeros: Decimal('1.00') is `1`."""
    return format(cpu.normalize(), "f")


def quote_truncated(text: object, *, limit: int = 60) -> str:
    """User text quoted for a message, cut where it is long."""
    quoted = repr(text)
    return quoted if len(quoted) <= limit else quoted[: limit - 1] + "…"


def whole_days(seconds: int) -> int:
    """Days, rounded up."""
    return -(-seconds // DAY_S)
