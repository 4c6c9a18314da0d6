"""Parses and formats times and durations for people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import typer

from unmoor.quantities import seconds


def parse_time(text: str | None) -> datetime | None:
    """A time of the API's, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def format_duration(start: datetime, end: datetime) -> str:
    """A duration such as `7s`, `3m 20s`, `2h 5m`."""
    total = max(int((end - start).total_seconds()), 0)
    hours, minutes = divmod(total // 60, 60)
    if hours:
        return f"{hours}h {minutes}m"
    return f"{minutes}m {total % 60}s" if minutes else f"{total}s"


def since(text: str, now: datetime) -> datetime | None:
    """The time that `--since 12h` means; None if the option is empty."""
    return now - timedelta(seconds=duration(text, option="--since")) if text else None


def duration(text: str, *, option: str) -> int:
    """An option's duration in seconds."""
    try:
        return seconds(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
